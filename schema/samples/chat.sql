-- Users to log in as, and rooms for them. The password of each is the user's name.

DO $$
BEGIN
    IF EXISTS (SELECT FROM public.users) OR EXISTS (SELECT FROM public.chat_rooms) THEN
        RETURN;
    END IF;

    INSERT INTO public.users (id, username, first_name, last_name, password, is_staff) VALUES
        (1, 'alice', 'Alice', 'Lindgren', '$2a$10$1z9wJ6X62BYdSE3r4zIG3eBuBz6yF81lCFyZA9T1ud.eS0R2E8sAq', false),
        (2, 'bob',   'Bob',   'Moreau',   '$2a$10$p5WuWmVl9Gb4UkQhcsIWW.ZNCDpoNP9F6w.kPRSTmOlxa8Ezx20jC', false),
        (3, 'carol', 'Carol', 'Okafor',   '$2a$10$qI96AdLlQYZ/py8IYx8dG.w2TDllqw6k/Dr6RHHObAuwlYbeYJ/cC', false),
        (4, 'dave',  'Dave',  'Rossi',    '$2a$10$2J.Lk5.EP3umNj1oswsc7.qvndcPf6bayCRaUsKQkrlRs23dJUQqG', false),
        (5, 'admin', 'Ada',   'Min',      '$2a$10$b7CuIq.cuJy/ia252jhGteDqXuXIQaO4cgRPiAP64JpBqlOmiOvne', true);
    PERFORM setval(pg_get_serial_sequence('public.users', 'id'), 5);

    INSERT INTO public.chat_rooms (id, owner_id, title, join_code) VALUES
        (1, 1, 'Reading group',   'read-with-us'),
        (2, 2, 'Sunday football', 'kick-off');
    PERFORM setval(pg_get_serial_sequence('public.chat_rooms', 'id'), 2);

    INSERT INTO public.chat_room_members (room_id, user_id) VALUES (1, 2), (2, 1), (2, 4);
    INSERT INTO public.chat_messages (room_id, sender_id, message, posted) VALUES
        (1, 1, 'Welcome! We start with chapter one.', now() - interval '2 hours'),
        (1, 2, 'Reading it on the train, it is great.', now() - interval '1 hour'),
        (2, 2, 'Ten o''clock at the park?', now() - interval '30 minutes'),
        (2, 4, 'I bring the ball.', now() - interval '20 minutes');
    INSERT INTO public.chat_join_requests (user_id, room_id) VALUES (3, 1);
END $$;
