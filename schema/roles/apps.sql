-- Rights to the apps' tables, which belong to the migrating role. Only what is missing is granted.

DO $$
DECLARE
    item record;
BEGIN
    -- The tables are found at all, also where schema public is not for everybody.
    FOR item IN
        SELECT r.rolname AS name FROM pg_roles r
        WHERE (r.rolname IN ('rowcall_server', 'rowcall_app')
               OR r.oid = (SELECT n.nspowner FROM pg_namespace n WHERE n.nspname = 'rowcall'))
          AND NOT has_schema_privilege(r.oid, 'public', 'USAGE')
    LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', item.name);
    END LOOP;

    -- A node answers who may follow what, logs users in, and reads snapshots.
    FOR item IN
        SELECT t.name
        FROM (VALUES ('users'), ('chat_rooms'), ('chat_room_members'), ('chat_messages'), ('chat_join_requests'),
                     ('patients'), ('dams'), ('hydrographs'), ('hydrograph_points'), ('job_postings')) t (name)
        WHERE NOT has_table_privilege(to_regrole('rowcall_server'), 'public.' || t.name, 'SELECT')
    LOOP
        EXECUTE format('GRANT SELECT ON public.%I TO rowcall_server', item.name);
    END LOOP;

    -- The functions run as the owner of schema rowcall: what triggers and policies look up, the membership
    -- that admitting makes, and the jobs that are worked on for show. Of users they see no password.
    FOR item IN
        SELECT r.rolname AS owner FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner
        WHERE n.nspname = 'rowcall' AND NOT (has_column_privilege(n.nspowner, 'public.users', 'username', 'SELECT')
            AND has_table_privilege(n.nspowner, 'public.chat_rooms', 'SELECT')
            AND has_table_privilege(n.nspowner, 'public.chat_room_members', 'SELECT')
            AND has_table_privilege(n.nspowner, 'public.chat_room_members', 'INSERT')
            AND has_table_privilege(n.nspowner, 'public.chat_join_requests', 'SELECT')
            AND has_table_privilege(n.nspowner, 'public.job_postings', 'SELECT')
            AND has_table_privilege(n.nspowner, 'public.job_postings', 'INSERT')
            AND has_table_privilege(n.nspowner, 'public.job_postings', 'UPDATE')
            AND has_table_privilege(n.nspowner, 'public.job_runs', 'DELETE'))
    LOOP
        EXECUTE format('GRANT SELECT (id, username, first_name, last_name) ON public.users TO %I', item.owner);
        EXECUTE format('GRANT SELECT ON public.chat_rooms TO %I', item.owner);
        EXECUTE format('GRANT SELECT, INSERT ON public.chat_room_members TO %I', item.owner);
        EXECUTE format('GRANT SELECT ON public.chat_join_requests TO %I', item.owner);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON public.job_postings TO %I', item.owner);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON public.job_runs TO %I', item.owner);
    END LOOP;

    -- Resources: which columns are shown and which are taken from users. Which rows is for the policies.
    FOR item IN
        SELECT t.name, t.privilege, c.name AS column_name
        FROM (VALUES
            ('users', 'SELECT', '{id, username, first_name, last_name, is_active, is_staff}'::name[]),
            ('users', 'UPDATE', '{username, first_name, last_name, is_active, is_staff}'),
            ('patients', 'SELECT', '{id, first_name, last_name, admission_date, dismissal_date, created_at, updated_at}'),
            ('patients', 'INSERT', '{first_name, last_name, admission_date, dismissal_date}'),
            ('patients', 'UPDATE', '{first_name, last_name, admission_date, dismissal_date}'),
            ('chat_rooms', 'SELECT', '{id, owner_id, title, join_code}'),
            ('chat_rooms', 'INSERT', '{owner_id, title, join_code}'),
            ('chat_rooms', 'UPDATE', '{owner_id, title, join_code}'),
            ('chat_room_members', 'SELECT', '{id, room_id, user_id}'),
            ('chat_room_members', 'INSERT', '{room_id, user_id}'),
            ('chat_messages', 'SELECT', '{id, room_id, sender_id, posted, message}'),
            ('chat_messages', 'INSERT', '{room_id, sender_id, message}'),
            ('chat_messages', 'UPDATE', '{message}'),
            ('chat_join_requests', 'SELECT', '{id, user_id, room_id, status}'),
            ('chat_join_requests', 'INSERT', '{user_id, room_id, status}'),
            ('chat_join_requests', 'UPDATE', '{status}'),
            ('dams', 'SELECT', '{id, latitude, longitude, name, owner, river, date_built}'),
            ('dams', 'INSERT', '{latitude, longitude, name, owner, river, date_built}'),
            ('dams', 'UPDATE', '{latitude, longitude, name, owner, river, date_built}'),
            ('hydrographs', 'SELECT', '{id, dam_id}'),
            ('hydrographs', 'INSERT', '{dam_id}'),
            ('hydrographs', 'UPDATE', '{dam_id}'),
            ('hydrograph_points', 'SELECT', '{id, hydrograph_id, time, flow}'),
            ('hydrograph_points', 'INSERT', '{hydrograph_id, time, flow}'),
            ('hydrograph_points', 'UPDATE', '{hydrograph_id, time, flow}'),
            ('job_postings', 'SELECT', '{id, user_id, title, state, progress}'),
            ('job_postings', 'INSERT', '{user_id, title, state, progress}'),
            ('job_postings', 'UPDATE', '{user_id, title, state, progress}')) t (name, privilege, columns)
        CROSS JOIN LATERAL unnest(t.columns) c (name)
        WHERE NOT has_column_privilege(to_regrole('rowcall_app'), 'public.' || t.name, c.name, t.privilege)
    LOOP
        EXECUTE format('GRANT %s (%I) ON public.%I TO rowcall_app', item.privilege, item.column_name, item.name);
    END LOOP;
    FOR item IN
        SELECT t.name
        FROM (VALUES ('patients'), ('chat_rooms'), ('chat_room_members'), ('chat_messages'),
                     ('chat_join_requests'), ('dams'), ('hydrographs'), ('hydrograph_points'), ('job_postings')) t (name)
        WHERE NOT has_table_privilege(to_regrole('rowcall_app'), 'public.' || t.name, 'DELETE')
    LOOP
        EXECUTE format('GRANT DELETE ON public.%I TO rowcall_app', item.name);
    END LOOP;
END $$;
