-- +goose Up

-- An offer that came by mail and waits to be read by somebody. It goes half a year after anybody last touched it.
CREATE TABLE posting_drafts (
    id              UUID PRIMARY KEY,    -- that of the arrival in inbox
    association_id  UUID NOT NULL REFERENCES associations (id) DEFERRABLE INITIALLY DEFERRED, -- at whose address it came
    sender          TEXT NOT NULL,       -- address of the author; '' when nobody can tell
    sender_name     TEXT NOT NULL,
    authenticated   BOOLEAN NOT NULL,    -- the author is who he says (DMARC): he may be written to
    subject         TEXT NOT NULL,
    message_key     TEXT NOT NULL,       -- its Message-ID
    lang            TEXT NOT NULL CHECK (lang IN ('fr', 'en')), -- of the address it was written to, and of our letters
    title           TEXT NOT NULL,
    title_guessed   BOOLEAN NOT NULL,    -- by the machine; nobody has looked at it yet
    company         TEXT NOT NULL,
    company_guessed BOOLEAN NOT NULL,
    body            TEXT NOT NULL,       -- text of the message and of its Word files
    files           BIGINT NOT NULL,     -- how many files are kept
    state           TEXT NOT NULL CHECK (state IN ('new', 'kept', 'refused')),
    note            TEXT NOT NULL,       -- why it was refused, for colleagues
    decided_by      TEXT NOT NULL,       -- a name as it read then; '' until it is decided
    decided_at      TIMESTAMP,
    version         BIGINT NOT NULL,     -- counts changes, so that two people do not both answer
    received_at     TIMESTAMP NOT NULL,
    read_at         TIMESTAMP,           -- the machine took the message apart; NULL: not yet
    updated_at      TIMESTAMP NOT NULL
);
CREATE INDEX posting_drafts_list ON posting_drafts (association_id, state, received_at);
CREATE INDEX posting_drafts_updated ON posting_drafts (updated_at);

-- The message as it came, until it is taken apart.
CREATE TABLE posting_mails (
    draft_id UUID PRIMARY KEY REFERENCES posting_drafts (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    raw      BYTEA NOT NULL
);

-- What came with it, kept or not.
CREATE TABLE posting_files (
    id       UUID PRIMARY KEY,
    draft_id UUID NOT NULL REFERENCES posting_drafts (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    position BIGINT NOT NULL,            -- in the message
    name     TEXT NOT NULL,
    size     BIGINT NOT NULL,            -- bytes
    verdict  TEXT NOT NULL,              -- 'kept', 'read', or why it was not taken
    blob_key TEXT NOT NULL               -- of a kept one; '' otherwise
);
CREATE INDEX posting_files_draft ON posting_files (draft_id, position);

-- Who was told lately that his offer came, so that nobody is told twice a day.
CREATE TABLE posting_answers (
    address TEXT PRIMARY KEY,
    at      TIMESTAMP NOT NULL
);

-- +goose Down
DROP TABLE posting_answers;
DROP TABLE posting_files;
DROP TABLE posting_mails;
DROP TABLE posting_drafts;
