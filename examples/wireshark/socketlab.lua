-- A dissector for the socket labs: their framings and their services, as docs/protocol.md has them,
-- and the hand-outs, as docs/handouts/ has them.
-- README.md says how to load it.

local lab = Proto("socketlab", "Socket labs")

local SERVICES = {
    [9005] = "atm", [9006] = "text", [9007] = "calc", [9008] = "chat",
    [9009] = "echo", [9010] = "datetime", [9011] = "script",
}

-- The hand-outs of each port. Which of two it is is seen from the first message.
local HANDOUTS_TCP = {
    [1027] = "greeting", [1234] = "text-menu or atm-card", [2525] = "textbook-atm", [5000] = "chat",
    [8000] = "accepted", [8888] = "sixteen or length-prefix", [65432] = "echo",
}
local HANDOUTS_UDP = { [43387] = "joke or datetime", [65432] = "udp" }

-- The hand-outs on ports of services that begin with READY, as no hand-out does.
local HANDOUTS_WITHOUT_READY = { [9005] = "text-session or atm-login", [9007] = "calculator" }

-- The framing of a hand-out; of all others a message is what one segment carries.
local HANDOUT_FRAMINGS = { ["textbook-atm"] = "line", ["length-prefix"] = "len3" }

-- Hand-outs whose requests begin with a verb.
local HAS_VERBS = { ["textbook-atm"] = true, ["atm-card"] = true, ["text-menu"] = true }

-- Hand-outs whose requests have an answer each.
local TAKES_TURNS = {
    ["textbook-atm"] = true, ["atm-card"] = true, ["text-menu"] = true, ["accepted"] = true,
    ["joke"] = true, ["length-prefix"] = true, ["sixteen"] = true,
}

-- Services whose messages are verbs and answers. The others carry anything.
local HAS_GRAMMAR = { atm = true, text = true, calc = true, chat = true, datetime = true }

-- Services that begin with READY, by which they are known on any port.
local GREETS = { atm = true, text = true, calc = true, chat = true }

-- The longest payload of each framing.
local MOST = { netstring = 65536, len3 = 255, line = 65536 }

local AUTO, FRAMINGS = 0, { "netstring", "len3", "line", "raw" }

lab.prefs.framing = Pref.enum("Framing", AUTO,
    "How bytes are cut into messages, as --wire says; auto goes by the first bytes of a connection",
    {
        { 1, "auto", AUTO }, { 2, "netstring", 1 }, { 3, "len3", 2 },
        { 4, "line", 3 }, { 5, "raw", 4 },
    }, false)

local f = lab.fields
f.service = ProtoField.string("socketlab.service", "Service")
f.framing = ProtoField.string("socketlab.framing", "Framing")
f.length = ProtoField.uint32("socketlab.length", "Length", base.DEC, nil, nil, "Bytes of the message, without its framing")
f.text = ProtoField.string("socketlab.text", "Text", base.UNICODE)
f.verb = ProtoField.string("socketlab.verb", "Verb", base.UNICODE, "The verb of a request, or READY, OK, ERR, EVENT")
f.arguments = ProtoField.string("socketlab.arguments", "Arguments", base.UNICODE)
f.code = ProtoField.string("socketlab.code", "Code", base.UNICODE, "Why a request was refused")
f.event = ProtoField.string("socketlab.event", "Event", base.UNICODE, "What happened in the chat room")
f.id = ProtoField.string("socketlab.id", "Id", base.UNICODE, "The id of a transaction, a log-in or an account")
f.transaction = ProtoField.string("socketlab.transaction", "Transaction", base.UNICODE)
f.is_request = ProtoField.bool("socketlab.request", "Request", base.NONE, nil, nil, "Goes to the server")
f.is_repeat = ProtoField.bool("socketlab.repeat", "Repeat", base.NONE, nil, nil, "Answered from the bank's record")
f.response_in = ProtoField.framenum("socketlab.response_in", "Response in", base.NONE, frametype.RESPONSE)
f.response_to = ProtoField.framenum("socketlab.response_to", "Request in", base.NONE, frametype.REQUEST)
f.unreadable = ProtoField.bytes("socketlab.unreadable", "No message")

local bad_framing = ProtoExpert.new("socketlab.bad_framing", "These bytes break the framing",
    expert.group.MALFORMED, expert.severity.ERROR)
local refusal = ProtoExpert.new("socketlab.refusal", "The service refused",
    expert.group.RESPONSE_CODE, expert.severity.CHAT)
lab.experts = { bad_framing, refusal }

local tcp_stream, udp_stream = Field.new("tcp.stream"), Field.new("udp.stream")

-- What is known of each connection, and of each message that has another in another packet.
local connections, links = {}, {}

function lab.init()
    connections, links = {}, {}
end

-- Cutting a stream into messages ------------------------------------------------------------------

-- What stands at `at` (from 1) of these bytes. Returns the payload's place and length and where the
-- next message begins; or nil and how many bytes are missing, 0 when that is not known; or false
-- and what is wrong.
local function cut(framing, bytes, at)
    local have = #bytes - at + 1
    if framing == "netstring" then
        local digits = bytes:match("^%d*", at)
        local after = bytes:sub(at + #digits, at + #digits)
        if after == "" and #digits <= 5 then
            return nil, 0
        elseif digits == "" or after ~= ":" then
            return false, "a length and a colon were expected"
        elseif #digits > 5 or tonumber(digits) > MOST.netstring then
            return false, "longer than any netstring here"
        elseif #digits > 1 and digits:sub(1, 1) == "0" then
            return false, "a length begins with no zero"
        end
        local length = tonumber(digits)
        local whole = #digits + 1 + length + 1
        if have < whole then
            return nil, whole - have
        elseif bytes:sub(at + whole - 1, at + whole - 1) ~= "," then
            return false, "no comma after the payload"
        end
        return at + #digits + 1, length, at + whole
    elseif framing == "len3" then
        local digits = bytes:match("^%d*", at):sub(1, 3)
        if #digits < 3 and have > #digits then
            return false, "three digits were expected"
        elseif #digits < 3 then
            return nil, 3 - #digits
        elseif tonumber(digits) > MOST.len3 then
            return false, "longer than 255 bytes"
        end
        local whole = 3 + tonumber(digits)
        if have < whole then
            return nil, whole - have
        end
        return at + 3, whole - 3, at + whole
    elseif framing == "line" then
        local feed = bytes:find("\n", at, true)
        if not feed and have > MOST.line + 1 then
            return false, "no line is as long"
        elseif not feed then
            return nil, 0
        end
        local last = feed - 1
        if last >= at and bytes:sub(last, last) == "\r" then
            last = last - 1
        end
        return at, last - at + 1, feed + 1
    end
    return at, have, #bytes + 1
end

-- Whether these bytes are messages in this framing, all of them whole.
local function is_whole(framing, bytes)
    local at = 1
    while at and at <= #bytes do
        local place, _, after = cut(framing, bytes, at)
        at = place and after
    end
    return at ~= nil and at ~= false
end

-- The framing of a connection whose first bytes these are. Nil when there are too few of them.
local function guess(connection, bytes)
    local service = connection.service
    if connection.is_handout then
        return HANDOUT_FRAMINGS[service] or "raw"
    elseif service == "echo" then
        return "raw"
    elseif service ~= "script" and #bytes < 4 and bytes:match("^%d+$") then
        return nil
    end
    for _, framing in ipairs({ "netstring", "len3" }) do
        -- A script may say anything, digits too.
        if service == "script" and is_whole(framing, bytes) then
            return framing
        elseif service ~= "script" and cut(framing, bytes, 1) ~= false then
            return framing
        end
    end
    return bytes:sub(-1) == "\n" and "line" or "raw"
end

-- Showing a message -------------------------------------------------------------------------------

local function shown(text)
    return (text:gsub("%c", "."))
end

local function add_id(tree, range, text)
    for prefix in ("WITH_ DEP_ LOGIN_ ACC_"):gmatch("%S+") do
        local hex = "%x%x%x%x"
        local uuid = hex .. hex .. "%-" .. (hex .. "%-"):rep(3) .. hex .. hex .. hex
        local from, to = text:find(prefix .. uuid)
        if from then
            local id = text:sub(from, to)
            tree:add(f.id, range(from - 1, to - from + 1), id)
            if prefix == "WITH_" or prefix == "DEP_" then
                tree:add(f.transaction, range(from - 1, to - from + 1), id)
            end
        end
    end
end

-- Links a request and its answer, which come in the same order on a connection. `key` is this
-- message's own.
local function link(connection, pinfo, key, is_request, verb, tree)
    if not pinfo.visited then
        local waiting = connection.waiting
        if is_request then
            table.insert(waiting, { key = key, frame = pinfo.number })
        elseif (connection.is_handout or verb == "OK" or verb == "ERR") and #waiting > 0 then
            -- A datagram may be lost, and then the newest request is the one that was answered.
            local request = table.remove(waiting, connection.is_stream and 1 or #waiting)
            links[request.key], links[key] = pinfo.number, request.frame
        end
    end
    local other = links[key]
    if other then
        tree:add(is_request and f.response_in or f.response_to, other):set_generated()
    end
end

local function add_verb(tree, range, text)
    local verb, blank = text:match("^(%S+)( ?)")
    local from = verb and #verb + #blank or 0
    if verb then
        tree:add(f.verb, range(0, #verb), verb)
        if from < #text then
            tree:add_packet_field(f.arguments, range(from), ENC_UTF_8)
        end
    end
    return verb, from
end

local function show(connection, pinfo, tree, range, text, key)
    local service = connection.service or "?"
    local is_request = connection.server ~= nil and pinfo.dst_port == connection.server
    tree:add(f.service, service):set_generated()
    tree:add(f.framing, connection.is_stream and connection.framing or "datagram"):set_generated()
    tree:add(f.is_request, is_request):set_generated()
    tree:add(f.length, #text):set_generated()
    if #text > 0 then
        tree:add_packet_field(f.text, range, ENC_UTF_8)
    end
    if connection.is_handout then
        if is_request and HAS_VERBS[service] then
            add_verb(tree, range, text)
        end
        if TAKES_TURNS[service] then
            link(connection, pinfo, key, is_request, nil, tree)
        end
    elseif HAS_GRAMMAR[service] then
        local verb, from = add_verb(tree, range, text)
        if verb then
            local word = text:match("^%S+", from + 1)
            if not is_request and verb == "ERR" and word then
                tree:add(f.code, range(from, #word), word)
                tree:add_proto_expert_info(refusal, "refused: " .. shown(text:sub(from + 1)))
            elseif not is_request and verb == "EVENT" and word then
                tree:add(f.event, range(from, #word), word)
            elseif not is_request and verb == "OK" and text:sub(-8) == ", repeat" then
                tree:add(f.is_repeat, range(#text - 6), true)
            end
        end
        if #text > 0 then
            add_id(tree, range, text)
        end
        link(connection, pinfo, key, is_request, verb, tree)
    end
    -- A long message would hide the columns beside it.
    local words = #text > 200 and text:sub(1, 200) .. "..." or text
    words = (is_request and "> " or "< ") .. shown(words)
    tree:append_text(", " .. service .. " " .. words)
    pinfo.cols.protocol = "socketlab"
    return service .. " " .. words
end

local function inform(pinfo, words)
    if #words > 0 then
        pinfo.cols.info:set(table.concat(words, "; "))
        pinfo.cols.info:fence()
    end
end

-- Connections and datagrams -----------------------------------------------------------------------

-- What is known of the connection that this packet is on.
local function connection_of(pinfo, stream, is_stream)
    local key = (is_stream and "tcp " or "udp ") .. tostring(stream)
    local connection = connections[key]
    if not connection then
        connection = { key = key, is_stream = is_stream, waiting = {} }
        local handouts = is_stream and HANDOUTS_TCP or HANDOUTS_UDP
        for _, port in ipairs({ pinfo.dst_port, pinfo.src_port }) do
            local service = SERVICES[port] or handouts[port]
            if service and not connection.service then
                connection.service, connection.server = service, port
                connection.is_handout = not SERVICES[port]
            end
        end
        connections[key] = connection
    end
    return connection
end

-- Which of the hand-outs of a port this is, by the first bytes of a connection or socket.
local function tell_apart(connection, pinfo, bytes)
    local service, is_request = connection.service, pinfo.dst_port == connection.server
    if connection.is_told_apart then
        return
    end
    connection.is_told_apart = true
    local without_ready = HANDOUTS_WITHOUT_READY[connection.server]
    local is_framed = is_whole("netstring", bytes) or is_whole("len3", bytes) or bytes:sub(-1) == "\n"
    if connection.is_stream and is_request and without_ready and not is_framed then
        connection.service, connection.is_handout = without_ready, true
    elseif service == "text-menu or atm-card" and is_request then
        local has_bank_verb = bytes:match("^%s*[A-Z_]+%f[%s\0]")
        connection.service = has_bank_verb and "atm-card" or "text-menu"
    elseif service == "joke or datetime" and is_request then
        local is_known = bytes:match("^SEND_") or bytes:match("^q$")
        connection.service = is_known and "datetime" or "joke"
    elseif service == "sixteen or length-prefix" then
        connection.service = bytes:match("^%d%d%d") and "length-prefix" or "sixteen"
    end
end

-- A service on a port of its own is known by what it says first.
local function learn(connection, pinfo, text)
    local service = text:match("^READY (%l+) 1$")
    if service and GREETS[service] and not connection.greeted then
        connection.service, connection.server = service, pinfo.src_port
        connection.greeted, connection.is_handout = true, false
    end
end

local function dissect_datagram(tvb, pinfo, tree)
    local connection = connection_of(pinfo, udp_stream().value, false)
    local subtree = tree:add(lab, tvb())
    local text = tvb:len() > 0 and tvb:raw() or ""
    local range = tvb:len() > 0 and tvb() or tvb
    local key = connection.key .. " " .. pinfo.number
    tell_apart(connection, pinfo, text)
    inform(pinfo, { show(connection, pinfo, subtree, range, text, key) })
    return tvb:len()
end

local function dissect_stream(tvb, pinfo, tree)
    local connection = connection_of(pinfo, tcp_stream().value, true)
    local bytes = tvb:raw()
    local framing = FRAMINGS[lab.prefs.framing]
    tell_apart(connection, pinfo, bytes)
    if not framing or connection.service == "echo" then
        connection.framing = connection.framing or guess(connection, bytes)
        framing = connection.framing
    end
    local can_wait = pinfo.can_desegment > 0 and tvb:len() == tvb:reported_len()
    if not framing then
        if can_wait then
            pinfo.desegment_offset, pinfo.desegment_len = 0, DESEGMENT_ONE_MORE_SEGMENT
            return tvb:len()
        end
        framing = "raw"
    end
    connection.framing = framing
    local words, at = {}, 1
    while at <= #bytes do
        local place, length, after = cut(framing, bytes, at)
        if place == nil and can_wait then
            pinfo.desegment_offset = at - 1
            pinfo.desegment_len = length > 0 and length or DESEGMENT_ONE_MORE_SEGMENT
            inform(pinfo, words)
            return tvb:len()
        end
        local range = tvb(at - 1, (after or #bytes + 1) - at)
        local subtree = tree:add(lab, range)
        if not place then
            subtree:add(f.unreadable, range)
            if place == false then
                subtree:add_proto_expert_info(bad_framing, framing .. ": " .. length)
            end
            pinfo.cols.protocol = "socketlab"
            table.insert(words, (connection.service or "?") .. " bytes that are no message")
            break
        end
        local text = bytes:sub(place, place + length - 1)
        learn(connection, pinfo, text)
        local key = table.concat({ connection.key, pinfo.number, tvb:len(), at }, " ")
        local payload = length > 0 and tvb(place - 1, length) or tvb(at - 1)
        table.insert(words, show(connection, pinfo, subtree, payload, text, key))
        at = after
    end
    inform(pinfo, words)
    return tvb:len()
end

function lab.dissector(tvb, pinfo, tree)
    if pinfo.port_type == 3 then
        return dissect_datagram(tvb, pinfo, tree)
    end
    return dissect_stream(tvb, pinfo, tree)
end

-- On other ports: a connection that begins with READY.
local function greets(tvb, pinfo, tree)
    if tvb:len() < 11 or tvb:len() > 64 then
        return false
    end
    local bytes = tvb:raw()
    for _, framing in ipairs(FRAMINGS) do
        local place, length = cut(framing, bytes, 1)
        local text = place and bytes:sub(place, place + length - 1) or ""
        if GREETS[text:match("^READY (%l+) 1$")] then
            pinfo.conversation = lab
            lab.dissector(tvb, pinfo, tree)
            return true
        end
    end
    return false
end

for port, service in pairs(SERVICES) do
    if service ~= "datetime" then
        DissectorTable.get("tcp.port"):add(port, lab)
    end
    if service == "echo" or service == "datetime" or service == "script" then
        DissectorTable.get("udp.port"):add(port, lab)
    end
end
for port in pairs(HANDOUTS_TCP) do
    DissectorTable.get("tcp.port"):add(port, lab)
end
for port in pairs(HANDOUTS_UDP) do
    DissectorTable.get("udp.port"):add(port, lab)
end
lab:register_heuristic("tcp", greets)
