-- Logins. A table of ours, so that a user's sessions can be found and ended.

-- +goose Up

CREATE TABLE rowcall.sessions (
    token_hash bytea       PRIMARY KEY,  -- a hash: who reads the table cannot log in with it
    user_id    text,                     -- NULL before the login
    data       bytea       NOT NULL,
    expires_at timestamptz NOT NULL
);

-- Expired sessions are deleted in the order of their expiry.
CREATE INDEX sessions_expires_at ON rowcall.sessions (expires_at);

-- All sessions of one user; those without a user are never looked for.
CREATE INDEX sessions_user_id ON rowcall.sessions (user_id) WHERE user_id IS NOT NULL;
