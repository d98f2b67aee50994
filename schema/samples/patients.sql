-- A small ward.

INSERT INTO public.patients (first_name, last_name, admission_date, dismissal_date)
SELECT p.first_name, p.last_name, p.admission_date, p.dismissal_date
FROM (VALUES ('Ana', 'Ek', timestamptz '2026-03-02 08:30:00Z', NULL),
             ('Tomas', 'Varga', timestamptz '2026-03-01 14:00:00Z', timestamptz '2026-03-06 10:15:00Z'),
             ('Mei', 'Tanaka', timestamptz '2026-03-04 21:45:00Z', NULL),
             ('Samuel', 'Adeyemi', timestamptz '2026-03-05 07:20:00Z', NULL)) p (first_name, last_name, admission_date, dismissal_date)
WHERE NOT EXISTS (SELECT FROM public.patients);
