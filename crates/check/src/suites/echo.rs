//! Echo, over TCP and over UDP.

use std::time::Duration;

use rand::RngExt;

use crate::case::Case;
use crate::peer::Peer;
use crate::server::Server;
use crate::verdict::Outcome;

/// What is sent before anything is read: more than the buffers of both ends hold, which grow with the
/// connections that the system has seen before.
const UNREAD: usize = 8 * 1024 * 1024;

/// The cases of the echo server.
pub const CASES: &[Case] = &[
    Case::must(
        "tcp.bytes",
        "echo",
        "Every byte comes back as it was sent: NUL, CR LF, and what is no UTF-8.",
        bytes,
    )
    .points(2)
    .cause("the bytes were taken for text: decoded, stripped or cut into lines"),
    Case::must(
        "tcp.again",
        "echo",
        "A connection is echoed as long as it lasts, not once.",
        again,
    )
    .points(2)
    .cause("there is one recv where there must be a loop of them"),
    Case::must(
        "tcp.no-line-break",
        "echo",
        "What is sent comes back without a wait for a line break or for the end of the stream.",
        no_line_break,
    )
    .cause("the server reads a line, or to the end, before it answers"),
    Case::must(
        "tcp.bytewise",
        "echo",
        "The bytes of a character come back also where they are sent one by one.",
        bytewise,
    )
    .cause("each read was decoded by itself, and a read may end inside a character"),
    Case::must(
        "tcp.half-close",
        "echo",
        "After the end of the client's stream the server sends what it still has, then closes.",
        half_close,
    )
    .cause("the connection was closed, or given up, before all was written"),
    Case::must(
        "tcp.large",
        "echo",
        "There is no limit on the length: a mebibyte comes back whole and in order.",
        large,
    )
    .seconds(1)
    .cause("send may take a part of what it is given: loop, or use sendall"),
    Case::should(
        "tcp.unread",
        "echo",
        "A client may send eight mebibytes before it reads the first byte of the answer.",
        unread,
    )
    .seconds(1)
    .cause("while the server waits to write it does not read, and the client waits to write: a deadlock"),
    Case::must(
        "tcp.clients.two",
        "echo",
        "Two clients at once each get their own bytes.",
        two,
    )
    .points(2)
    .cause("one client is served after the other, and not each by a thread of its own"),
    Case::must(
        "tcp.clients.fifty",
        "echo",
        "Fifty clients at once each get their own bytes.",
        fifty,
    )
    .seconds(1),
    Case::must(
        "tcp.clients.unread",
        "echo",
        "A client that does not read holds up no other.",
        does_not_read,
    )
    .seconds(1)
    .cause("the write to one client is waited for by the thread that serves the others"),
    Case::must(
        "tcp.clients.reset",
        "who-closes-and-when",
        "A connection that is reset ends alone: the next client is served.",
        reset,
    )
    .cause("an error on one connection must not end the server"),
    Case::must(
        "udp.bytes",
        "echo",
        "A datagram comes back as one datagram, whatever its bytes are.",
        datagram_bytes,
    )
    .points(2)
    .cause("the bytes were taken for text: decoded or stripped"),
    Case::must(
        "udp.empty",
        "echo",
        "An empty datagram is a datagram, and comes back.",
        empty,
    )
    .cause("an empty datagram is not the end of anything: over UDP there is no end"),
    Case::must(
        "udp.any-beginning",
        "echo",
        "A datagram comes back whatever it begins with, `OK` and `ERR` too.",
        any_beginning,
    ),
    Case::must(
        "udp.large",
        "echo",
        "A datagram of 8 KiB comes back whole.",
        large_datagram,
    )
    .cause("recvfrom cuts a datagram off where its buffer ends"),
    Case::must(
        "udp.clients",
        "echo",
        "Each datagram is answered to its own source.",
        sources,
    ),
];

/// Bytes that are drawn.
fn drawn(server: &Server, length: usize) -> Vec<u8> {
    let mut random = server.random.borrow_mut();
    (0..length).map(|_| random.random()).collect()
}

/// Letters and line breaks that are drawn.
fn letters(server: &Server, length: usize) -> Vec<u8> {
    let mut random = server.random.borrow_mut();
    let mut letter = || b"abcdefghijklmnopqrstuvwxyz \n"[random.random_range(0..28)];
    (0..length).map(|_| letter()).collect()
}

/// A text that no server has ready.
fn text(server: &Server) -> Vec<u8> {
    format!(
        "Hello {}, world",
        server.random.borrow_mut().random_range(0..1_000_000)
    )
    .into_bytes()
}

/// These bytes are sent, and come back.
fn echoed(peer: &mut Peer, bytes: &[u8]) -> Outcome {
    peer.send_bytes(bytes)?;
    peer.expect_bytes(bytes)
}

fn serves_another(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    let mut text = text(server);
    text.push(b'\n');
    echoed(&mut peer, &text)?;
    peer.half_close();
    peer.expect_end()
}

fn bytes(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    let mut all: Vec<u8> = b" \r\n\0Hello,\0world\xff\xfe \xc3\n\r\n\xed\xa0\x80\t ".to_vec();
    all.extend(0..=255);
    all.extend(drawn(server, 100));
    // For one that reads lines, or to the end, it is all there.
    all.extend(b" \r\n");
    peer.send_bytes(&all)?;
    peer.half_close();
    peer.expect_bytes(&all)
}

fn again(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    for _ in 0..20 {
        let mut line = text(server);
        line.push(b'\n');
        echoed(&mut peer, &line)?;
    }
    Ok(())
}

fn no_line_break(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    echoed(&mut peer, &text(server))
}

fn bytewise(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    let text = "É ❤ বাংলা\n".as_bytes();
    peer.send_in_pieces(text, 1)?;
    peer.expect_bytes(text)
}

fn half_close(server: &Server) -> Outcome {
    let mut peer = server.connect_with_little_room()?;
    let mut bytes = letters(server, 300 * 1024);
    bytes.push(b'\n');
    // Most of it is still to be sent when the end comes.
    peer.is_echoed(&bytes, Duration::from_millis(500))?;
    peer.expect_end()
}

fn large(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    let bytes = letters(server, 1024 * 1024);
    peer.is_echoed(&bytes, Duration::ZERO)?;
    peer.expect_end()
}

fn unread(server: &Server) -> Outcome {
    // With little room for the answers at this end, most of them wait at the other.
    let mut peer = server.connect_with_little_room()?;
    let bytes = letters(server, UNREAD);
    // However long all of it takes, a server that reads takes the next piece soon.
    for piece in bytes.chunks(64 * 1024) {
        peer.send_bytes(piece)?;
    }
    peer.half_close();
    peer.expect_bytes(&bytes)?;
    peer.expect_end()
}

fn two(server: &Server) -> Outcome {
    let mut first = server.connect()?;
    let mut second = server.connect()?;
    for _ in 0..5 {
        let mut texts = [text(server), text(server)];
        texts.iter_mut().for_each(|text| text.push(b'\n'));
        second.send_bytes(&texts[1])?;
        second.expect_bytes(&texts[1])?;
        first.send_bytes(&texts[0])?;
        first.expect_bytes(&texts[0])?;
    }
    Ok(())
}

fn fifty(server: &Server) -> Outcome {
    let mut peers = Vec::new();
    for _ in 0..50 {
        let mut text = text(server);
        text.push(b'\n');
        peers.push((server.connect()?, text));
    }
    for _ in 0..2 {
        for (peer, text) in &mut peers {
            peer.send_bytes(text)?;
        }
        for (peer, text) in &mut peers {
            peer.expect_bytes(text)?;
        }
    }
    Ok(())
}

fn does_not_read(server: &Server) -> Outcome {
    let mut first = server.connect_with_little_room()?;
    first.throw_what_fits(&drawn(server, 4 * 1024 * 1024));
    serves_another(server)?;
    drop(first);
    Ok(())
}

fn reset(server: &Server) -> Outcome {
    for length in [0, 10, 100_000] {
        let mut peer = server.connect()?;
        peer.throw_what_fits(&drawn(server, length));
        peer.reset();
    }
    serves_another(server)
}

fn datagram_bytes(server: &Server) -> Outcome {
    let mut socket = server.datagrams()?;
    let no_text = b"\0Hello,\0world\xff\xfe \xc3\r\n\r\n";
    for bytes in [
        text(server),
        no_text.to_vec(),
        drawn(server, 100),
        b" \n".to_vec(),
    ] {
        socket.asks(&bytes, &bytes)?;
    }
    Ok(())
}

fn empty(server: &Server) -> Outcome {
    let mut socket = server.datagrams()?;
    socket.asks(b"", b"")
}

fn any_beginning(server: &Server) -> Outcome {
    let mut socket = server.datagrams()?;
    for bytes in [
        &b"OK"[..],
        b"ERR malformed",
        b"READY echo 1",
        b"EVENT x",
        b"QUIT",
        b" ",
    ] {
        socket.asks(bytes, bytes)?;
    }
    Ok(())
}

fn large_datagram(server: &Server) -> Outcome {
    let mut socket = server.datagrams()?;
    let bytes = drawn(server, 8 * 1024);
    socket.asks(&bytes, &bytes)
}

fn sources(server: &Server) -> Outcome {
    let mut sockets = [
        server.datagrams()?,
        server.datagrams()?,
        server.datagrams()?,
    ];
    let texts = [text(server), text(server), text(server)];
    for (socket, text) in sockets.iter_mut().zip(&texts) {
        socket.send(text)?;
    }
    for (socket, text) in sockets.iter_mut().zip(&texts).rev() {
        socket.expect(text)?;
    }
    Ok(())
}
