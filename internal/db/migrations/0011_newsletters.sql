-- +goose Up

-- A letter to many. What it says stops changing once the first copy may have left.
CREATE TABLE campaigns (
    id           UUID PRIMARY KEY,
    sender_id    UUID REFERENCES associations (id) DEFERRABLE INITIALLY DEFERRED, -- NULL: the federation
    kind         TEXT NOT NULL CHECK (kind IN ('news', 'events', 'careers', 'magazine', 'network')),
    title        TEXT NOT NULL,           -- for the staff's list
    versions     JSON NOT NULL,           -- language → what is written
    from_name    TEXT NOT NULL,           -- '' is the sender's name
    reply_to     TEXT NOT NULL,           -- '' is the address it comes from
    segment      JSON NOT NULL,           -- criterion → values
    public       BOOLEAN NOT NULL,        -- the web shows it, without a word about anybody
    state        TEXT NOT NULL CHECK (state IN ('draft', 'scheduled', 'sending', 'paused', 'sent', 'stopped')),
    reason       TEXT NOT NULL,           -- of a pause: '' by hand, 'failures' by itself
    scheduled_at TIMESTAMP,
    started_at   TIMESTAMP,
    resumed_at   TIMESTAMP,               -- when it last began to leave
    finished_at  TIMESTAMP,
    made_to      UUID,                    -- every person up to this one has a row or was left out; NULL: nobody has
    made_at      TIMESTAMP,               -- all have
    left_out     JSON NOT NULL,           -- reason → how many persons of the segment
    recipients   BIGINT NOT NULL,         -- rows made
    sent         BIGINT NOT NULL,
    failed       BIGINT NOT NULL,
    skipped      BIGINT NOT NULL,         -- left out after their row was made: refused since, merged, erased
    early_failed BIGINT NOT NULL,         -- of the first 200 that were settled
    unsubscribed BIGINT NOT NULL,         -- how many ended this kind of letters through this one; nobody knows who
    version      BIGINT NOT NULL,         -- counts changes, so that two authors do not overwrite each other
    account_id   UUID,                    -- who began it
    edited_by    UUID,                    -- account that changed it last
    author       TEXT NOT NULL,           -- as it read then
    created_at   TIMESTAMP NOT NULL,
    updated_at   TIMESTAMP NOT NULL
);
CREATE INDEX campaigns_sender ON campaigns (sender_id, created_at);
CREATE INDEX campaigns_created ON campaigns (created_at);
CREATE INDEX campaigns_open ON campaigns (state) WHERE state IN ('scheduled', 'sending', 'paused');

-- One row a campaign and person: whom it goes to, at which address, and what became of it.
CREATE TABLE campaign_recipients (
    id          UUID PRIMARY KEY,         -- its return token holds it
    campaign_id UUID NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    person_id   UUID,                     -- NULL: erased, or found to be another recipient
    address     TEXT NOT NULL,            -- as it was then; '' once the person is erased
    domain      TEXT NOT NULL,            -- of the address, for claiming around destinations that are full
    lang        TEXT NOT NULL,
    fields      JSON NOT NULL,            -- what the letter may say of the person; emptied when it has left
    state       TEXT NOT NULL CHECK (state IN ('queued', 'sent', 'failed', 'skipped')),
    attempts    BIGINT NOT NULL,
    next_at     TIMESTAMP NOT NULL,
    class       TEXT NOT NULL,            -- mail.Class of the last answer, or why it was skipped
    reply       JSON NOT NULL,            -- mail.Reply of the last answer
    created_at  TIMESTAMP NOT NULL,
    done_at     TIMESTAMP,
    UNIQUE (campaign_id, person_id)
);
CREATE INDEX campaign_recipients_due ON campaign_recipients (campaign_id, next_at, id) WHERE state = 'queued';
CREATE INDEX campaign_recipients_person ON campaign_recipients (person_id, created_at);

-- Where a campaign's links lead, and how often somebody, nobody knows who, followed them.
CREATE TABLE campaign_links (
    campaign_id UUID NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    number      BIGINT NOT NULL,          -- from 0, part of the link in the letter
    url         TEXT NOT NULL,
    clicks      BIGINT NOT NULL,
    PRIMARY KEY (campaign_id, number)
);

CREATE TABLE campaign_images (
    id          UUID PRIMARY KEY,
    campaign_id UUID NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    name        TEXT NOT NULL UNIQUE,     -- in its public address; not to be guessed
    file_name   TEXT NOT NULL,            -- as it was called
    width       BIGINT NOT NULL,          -- as shown, in pixels; the file may have twice as many
    height      BIGINT NOT NULL,
    size        BIGINT NOT NULL,          -- bytes
    created_at  TIMESTAMP NOT NULL
);
CREATE INDEX campaign_images_campaign ON campaign_images (campaign_id, created_at);

-- An issue of the magazine, and the associations whose members read it.
CREATE TABLE magazine_issues (
    id         UUID PRIMARY KEY,
    title      TEXT NOT NULL,
    file_key   TEXT NOT NULL,            -- blob key of the PDF
    file_size  BIGINT NOT NULL,          -- bytes
    account_id UUID,                     -- who put it there
    created_at TIMESTAMP NOT NULL
);

CREATE TABLE magazine_editions (
    issue_id       UUID NOT NULL REFERENCES magazine_issues (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    association_id UUID NOT NULL REFERENCES associations (id) DEFERRABLE INITIALLY DEFERRED,
    campaign_id    UUID REFERENCES campaigns (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED, -- the letter that announces it
    published_at   TIMESTAMP,            -- from then on its members read it
    PRIMARY KEY (issue_id, association_id)
);
CREATE INDEX magazine_editions_association ON magazine_editions (association_id, published_at);

-- +goose Down
DROP TABLE magazine_editions;
DROP TABLE magazine_issues;
DROP TABLE campaign_images;
DROP TABLE campaign_links;
DROP TABLE campaign_recipients;
DROP TABLE campaigns;
