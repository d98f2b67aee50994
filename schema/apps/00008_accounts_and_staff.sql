-- Accounts as a resource, and what staff may do to the rows of the apps.

-- +goose Up

-- Whom the user may know of. Its present body comes with the triggers, as for the others that policies ask.
CREATE FUNCTION rowcall.chat_my_people()
RETURNS SETOF bigint LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS 'SELECT NULL::bigint WHERE false';

REVOKE ALL ON FUNCTION rowcall.chat_my_people FROM PUBLIC;

-- As for the other tables: this is about rowcall_app alone. A login is looked up by the node's own role.
ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;
CREATE POLICY others ON public.users
    USING ((SELECT NOT coalesce(pg_has_role(to_regrole('rowcall_app'), 'USAGE'), false)));

-- The three states there are, for forms to offer. Rows that are there already are not looked at, so that
-- none of them can stop a migration.
ALTER TABLE public.chat_join_requests
    ADD CONSTRAINT chat_join_requests_status CHECK (status IN ('pending', 'admitted', 'denied')) NOT VALID;
