-- A warehouse to try the example on: it makes an empty database "warehouse" into one that
-- people have worked on by hand for years. Accord doesn't read this file.

CREATE SCHEMA raw;
CREATE SCHEMA analytics;
CREATE SCHEMA sandbox;
CREATE SCHEMA finance;
CREATE TABLE raw.readings (turbine int, read_at timestamptz, kwh numeric);
CREATE TABLE analytics.daily_yield (turbine int, day date, kwh numeric);
CREATE TABLE sandbox.scratch (note text);
CREATE TABLE finance.invoices (id bigserial PRIMARY KEY, customer text, cents bigint);

-- The roles, nearly as systems/warehouse.yaml wants them: nobody thought of the tables that
-- reader will have to read tomorrow, and there is no operator yet.
CREATE ROLE connect;
COMMENT ON ROLE connect IS 'May open a session';
GRANT CONNECT ON DATABASE warehouse TO connect;

CREATE ROLE reader IN ROLE connect;
COMMENT ON ROLE reader IS 'Reads what is meant to be read';
GRANT USAGE ON SCHEMA analytics TO reader;
GRANT SELECT ON ALL TABLES IN SCHEMA analytics TO reader;

CREATE ROLE analyst IN ROLE reader;
COMMENT ON ROLE analyst IS 'Reads, and tries things out in the sandbox';
GRANT USAGE, CREATE ON SCHEMA sandbox TO analyst;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA sandbox TO analyst;
ALTER DEFAULT PRIVILEGES IN SCHEMA sandbox GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO analyst;
ALTER DEFAULT PRIVILEGES IN SCHEMA sandbox GRANT SELECT, USAGE ON SEQUENCES TO analyst;

CREATE ROLE loader IN ROLE connect;
COMMENT ON ROLE loader IS 'Fills raw, and builds analytics from it';
GRANT USAGE, CREATE ON SCHEMA raw, analytics TO loader;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA raw, analytics TO loader;
ALTER DEFAULT PRIVILEGES IN SCHEMA raw, analytics GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO loader;
ALTER DEFAULT PRIVILEGES IN SCHEMA raw, analytics GRANT SELECT, USAGE ON SEQUENCES TO loader;

CREATE ROLE finance_reader IN ROLE connect;
COMMENT ON ROLE finance_reader IS 'Invoices and payments';
GRANT USAGE ON SCHEMA finance TO finance_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA finance TO finance_reader;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA finance TO finance_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA finance GRANT SELECT ON TABLES TO finance_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA finance GRANT SELECT ON SEQUENCES TO finance_reader;

CREATE ROLE legacy_reports;

-- Who works with it. Viktor's contract is over, and Ingrid is on leave.
DO $$
DECLARE
  someone record;
BEGIN
  FOR someone IN
    SELECT * FROM (VALUES
      ('aoife.brennan', 'Aoife Brennan', 'reader'),
      ('callum.reid', 'Callum Reid', 'reader'),
      ('dmitri.volkov', 'Dmitri Volkov', 'reader'),
      ('fatima.elamrani', 'Fatima El Amrani', 'reader'),
      ('goran', 'Goran Petrović', 'reader'),
      ('henrik.solberg', 'Henrik Solberg', 'reader'),
      ('ilse.brandt', 'Ilse Brandt', 'reader'),
      ('ingrid.dahl', 'Ingrid Dahl', 'reader'),
      ('lars.nygaard', 'Lars Nygaard', 'reader'),
      ('leila.haddad', 'Leila Haddad', 'reader'),
      ('pedro.almeida', 'Pedro Almeida', 'reader'),
      ('sam.oduya', 'Sam Oduya', 'reader'),
      ('viktor.hale', 'Viktor Hale', 'reader'),
      ('yuki.tanaka', 'Yuki Tanaka', 'reader'),
      ('grace.adeyemi', 'Grace Adeyemi', 'analyst, loader'),
      ('hanna.virtanen', 'Hanna Virtanen', 'analyst'),
      ('mei.chen', 'Mei Chen', 'analyst, loader'),
      ('oisin.murphy', 'Oisín Murphy', 'analyst'),
      ('tobias.keller', 'Tobias Keller', 'analyst, loader'),
      ('wanjiru.kamau', 'Wanjiru Kamau', 'analyst'),
      ('ana.ribeiro', 'Ana Ribeiro', 'finance_reader'),
      ('kwame.mensah', 'Kwame Mensah', 'finance_reader'),
      ('marek.nowak', 'Marek Nowak', 'finance_reader'),
      ('patrick.doyle', 'Patrick Doyle', 'finance_reader'),
      ('siobhan.walsh', 'Siobhán Walsh', 'finance_reader'),
      ('ulla.lind', 'Ulla Lind', 'finance_reader'),
      ('svc_ci', 'Continuous integration', 'reader'),
      ('svc_dashboards', 'Dashboards', 'reader'),
      ('svc_etl', 'Nightly loads', 'loader')
    ) AS t (login, comment, roles)
  LOOP
    EXECUTE format('CREATE ROLE %I LOGIN IN ROLE %s', someone.login, someone.roles);
    EXECUTE format('COMMENT ON ROLE %I IS %L', someone.login, someone.comment);
  END LOOP;
END
$$;

-- Given by hand, declared nowhere.
GRANT finance_reader TO "hanna.virtanen";
GRANT legacy_reports TO "oisin.murphy";

-- For the day when nothing else works. It is protected.
CREATE ROLE break_glass LOGIN SUPERUSER;
