-- +goose Up

-- What a profile said before a change, so that its owner can take the change back for a while.
CREATE TABLE profile_undos (
    id         UUID PRIMARY KEY,
    person_id  UUID NOT NULL REFERENCES persons (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    section    TEXT NOT NULL,            -- 'identity', 'text', 'photo', …
    before     JSON NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX profile_undos_person ON profile_undos (person_id);
CREATE INDEX profile_undos_created ON profile_undos (created_at);

-- Somebody asked to be forgotten and was sent a link; the latest counts.
CREATE TABLE profile_erasures (
    person_id  UUID PRIMARY KEY REFERENCES persons (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    token_hash TEXT NOT NULL,            -- SHA-256 of what the letter holds
    expires_at TIMESTAMP NOT NULL
);

-- +goose Down
DROP TABLE profile_erasures;
DROP TABLE profile_undos;
