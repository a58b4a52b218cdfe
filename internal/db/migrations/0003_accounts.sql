-- +goose Up

CREATE TABLE accounts (
    id            UUID PRIMARY KEY,
    person_id     UUID UNIQUE REFERENCES persons (id) DEFERRABLE INITIALLY DEFERRED, -- NULL: no graduate
    kind          TEXT NOT NULL CHECK (kind IN ('network', 'staff', 'recruiter')),
    login         TEXT NOT NULL,         -- of an account without a person; '' otherwise: people.logins has them
    login_key     TEXT NOT NULL,         -- fold.TypedLogin of it
    name          TEXT NOT NULL,         -- of an account without a person
    email         TEXT NOT NULL,         -- of an account without a person
    email_key     TEXT NOT NULL,         -- fold.Email of it
    password_hash TEXT NOT NULL,         -- argon2id; '' when none was chosen yet
    password_at   TIMESTAMP,             -- when it was chosen
    lang          TEXT NOT NULL CHECK (lang IN ('', 'fr', 'en')), -- of letters and pages; '' when never chosen
    notice        BOOLEAN NOT NULL,      -- a letter for each sign-in from a new device
    totp_secret   TEXT NOT NULL,         -- sealed; '' when codes are off
    totp_pending  TEXT NOT NULL,         -- sealed; shown and not yet confirmed by a first code
    totp_step     BIGINT NOT NULL,       -- the last time step whose code was taken: none works twice
    created_at    TIMESTAMP NOT NULL,
    signed_in_at  TIMESTAMP,             -- the latest sign-in
    disabled_at   TIMESTAMP              -- closed by the staff
);
CREATE UNIQUE INDEX accounts_login ON accounts (login_key) WHERE login_key <> '';
CREATE UNIQUE INDEX accounts_recruiter ON accounts (email_key) WHERE kind = 'recruiter';
CREATE INDEX accounts_email ON accounts (email_key) WHERE email_key <> '';

CREATE TABLE roles (
    id             UUID PRIMARY KEY,
    account_id     UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    association_id UUID REFERENCES associations (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, -- NULL: the federation
    role           TEXT NOT NULL CHECK (role IN ('federation_admin', 'webmaster', 'secretary', 'editor')),
    granted_by     UUID,                 -- account; NULL for the console
    created_at     TIMESTAMP NOT NULL,
    CHECK ((role = 'federation_admin') = (association_id IS NULL))
);
CREATE UNIQUE INDEX roles_association ON roles (account_id, role, association_id) WHERE association_id IS NOT NULL;
CREATE UNIQUE INDEX roles_federation ON roles (account_id) WHERE association_id IS NULL;
CREATE INDEX roles_role ON roles (role, association_id);

-- Single-use secrets: links in letters, and the steps of a sign-in under way.
CREATE TABLE links (
    token_hash TEXT PRIMARY KEY,         -- SHA-256 of what the letter holds
    purpose    TEXT NOT NULL CHECK (purpose IN ('activate', 'reset', 'signin', 'email', 'verify', 'passkey')),
    person_id  UUID,
    account_id UUID,
    email      TEXT NOT NULL,            -- where the letter went, or which address it confirms; '' otherwise
    data       JSON,                     -- of a sign-in under way
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    used_at    TIMESTAMP
);
CREATE INDEX links_account ON links (account_id);
CREATE INDEX links_person ON links (person_id);
CREATE INDEX links_expires ON links (expires_at);

CREATE TABLE sign_ins (
    id         UUID PRIMARY KEY,
    account_id UUID REFERENCES accounts (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, -- NULL: a login nobody has
    at         TIMESTAMP NOT NULL,
    how        TEXT NOT NULL CHECK (how IN ('password', 'link', 'passkey', 'choice')), -- choice: a password was just chosen
    ok         BOOLEAN NOT NULL,
    ip         TEXT NOT NULL,
    user_agent TEXT NOT NULL
);
CREATE INDEX sign_ins_account ON sign_ins (account_id, ok, at);
CREATE INDEX sign_ins_at ON sign_ins (at);

-- Browsers that once signed in: guessing from elsewhere does not use up their tries.
CREATE TABLE devices (
    token_hash TEXT NOT NULL,            -- SHA-256 of the cookie's secret
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    created_at TIMESTAMP NOT NULL,
    used_at    TIMESTAMP NOT NULL,
    PRIMARY KEY (token_hash, account_id)
);
CREATE INDEX devices_account ON devices (account_id);

CREATE TABLE passkeys (
    id            UUID PRIMARY KEY,
    account_id    UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    credential_id TEXT NOT NULL UNIQUE,  -- base64url
    credential    JSON NOT NULL,         -- public key, counter and flags
    name          TEXT NOT NULL,
    created_at    TIMESTAMP NOT NULL,
    used_at       TIMESTAMP
);
CREATE INDEX passkeys_account ON passkeys (account_id);

CREATE TABLE recovery_codes (
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    code_hash  TEXT NOT NULL,            -- SHA-256: the codes are long enough
    used_at    TIMESTAMP,
    PRIMARY KEY (account_id, code_hash)
);

-- The key that seals what must be read again (TOTP secrets), unless the operator keeps it out of the database.
CREATE TABLE account_secret (
    id    BIGINT PRIMARY KEY CHECK (id = 1),
    value TEXT NOT NULL
);

-- +goose Down
DROP TABLE account_secret;
DROP TABLE recovery_codes;
DROP TABLE passkeys;
DROP TABLE devices;
DROP TABLE sign_ins;
DROP TABLE links;
DROP TABLE roles;
DROP TABLE accounts;
