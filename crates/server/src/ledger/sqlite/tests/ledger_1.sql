-- A ledger with version 1 of the schema, for the tests of the upgrade: an account that is locked, and of
-- which a withdrawal is open.

INSERT INTO accounts VALUES
    ('123456789', 'Joty', 'hash', 'ACC_00000000-0000-0000-0000-000000000001',
     1000000, 1000000, 50000, 0, 3, 1);
INSERT INTO transactions VALUES
    ('WITH_00000000-0000-0000-0000-000000000001', 'held', '123456789', 50000, 950000,
     NULL, NULL, NULL, 1000);
INSERT INTO logins VALUES
    (1, 'LOGIN_00000000-0000-0000-0000-000000000001', '123456789', 0);
INSERT INTO history VALUES
    (1, 1000, 'opened', '123456789', NULL, 1000000),
    (2, 1000, 'held', '123456789', 'WITH_00000000-0000-0000-0000-000000000001', 50000),
    (3, 1000, 'locked', '123456789', NULL, NULL);
PRAGMA application_id = 0x534c4142;
PRAGMA user_version = 1;
