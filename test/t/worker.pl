# The background worker: who starts it, what it learns and as whom, what it leaves to others, and that a crash costs no answer.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PostgreSQL::Test::Utils;
use Test::More;
use EasqTest;

my $node = start_server('worker', conf => "restart_after_crash = on\nautovacuum = off\nmax_wal_size = 1GB\nmax_prepared_transactions = 2\nlog_min_messages = log", init => { allows_streaming => 1 });

sub sql { return $node->safe_psql($_[1] // 'postgres', $_[0]); }
sub workers { return sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'easq worker'"); }
sub waits_for { my ($query, $name, $database) = @_; return ok($node->poll_query_until($database // 'postgres', $query), $name); }

# A model of feature x and a table that queues answers for it.
sub make
{
	my ($name, $table, $database) = @_;

	one_feature($node, $database // 'postgres', $name);
	return sql("CREATE TABLE $table (user_id int, x float8, answer text);
		SELECT easq_learn('$name', '$table', options => '{\"when\": \"later\"}')", $database);
}

# What was answered is learned, skipped or waiting, each once.
sub adds_up
{
	my ($name, $table, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	return is(sql("SELECT (SELECT count(*) FROM $table) - (SELECT sum(answers) FROM easq.steps WHERE model = '$name' AND status IN ('applied', 'shortened', 'skipped'))
		- (SELECT answers FROM easq.queues WHERE model = '$name')"), '0', $what);
}

sub answers { my ($table, $from, $to) = @_; return "INSERT INTO $table SELECT i, sin(i), CASE WHEN sin(i) > 0 THEN 'satisfied' ELSE 'dissatisfied' END FROM generate_series($from, $to) i;"; }

make('m', 'q');
make('n', 'r');

# ------------------------------------------------------------ on demand
sql(answers('q', 1, 10));
is(sql("SELECT answers, lag > '0' FROM easq.queues WHERE model = 'm'"), '10|t', 'without a worker answers wait');
# what the database has for its own transactions is not for the worker's
sql("ALTER DATABASE postgres SET default_transaction_read_only = on; ALTER DATABASE postgres SET default_transaction_isolation = 'serializable'");
my $pid = sql('SET default_transaction_read_only = off; SELECT easq_start_worker()');
sql('SET default_transaction_read_only = off; ALTER DATABASE postgres RESET ALL');
is(sql('SELECT easq_start_worker()'), $pid, 'one worker a database');
waits_for("SELECT answers = 0 FROM easq.queues WHERE model = 'm'", 'it learns what was there');
waits_for("SELECT application_name = 'easq worker' AND state = 'idle' FROM pg_stat_activity WHERE backend_type = 'easq worker' AND pid = $pid", 'it is seen, and idle');
sql(answers('q', 11, 12));
waits_for("SELECT answers = 0 FROM easq.queues WHERE model = 'm'", 'a commit wakes it');
sql("CREATE TABLE clock AS SELECT clock_timestamp() AS at; " . answers('q', 13, 14));
waits_for("SELECT answers = 0 FROM easq.queues WHERE model = 'm'", 'again');
cmp_ok(sql('SELECT extract(epoch FROM (SELECT max(at) FROM easq.steps) - at) FROM clock'), '<', 1, 'learned within a second of its commit');
adds_up('m', 'q', 'all that was answered was learned');

# what a statement says of one answer, new and old, stays together where portions end
make('keyed', 'k');
sql("SELECT easq_learn('keyed', 'k', options => '{\"when\": \"later\", \"key\": \"user_id\"}');" . answers('k', 1, 600));
waits_for("SELECT answers = 0 FROM easq.queues WHERE model = 'keyed'", 'answers with a key');
sql('UPDATE k SET x = x + 1');
waits_for("SELECT answers + changes = 0 FROM easq.queues WHERE model = 'keyed'", 'whose features change');
is(sql("SELECT count(*) FROM easq.answer WHERE model = 'keyed'"), 600, 'none is forgotten for what it was');

# as the model's owner, whoever started the worker
sql(q{CREATE ROLE curator; SELECT easq_configure('m', '{"owner": "curator"}');
	CREATE FUNCTION tell() RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE LOG 'logged by %, %', current_user, current_setting('transaction_isolation'); RETURN true; END $$;
	ALTER TABLE easq.step ADD CONSTRAINT tell CHECK (public.tell())});
sql(answers('q', 15, 16));
waits_for("SELECT answers = 0 FROM easq.queues WHERE model = 'm'", 'another owner');
like(slurp_file($node->logfile), qr/logged by curator, read committed/, 'it runs as the owner of the model');
sql(q{ALTER TABLE easq.step DROP CONSTRAINT tell});

# a prepared transaction would keep the model's lock: its answers wait, those of "commit" too
sql("CREATE TABLE p (user_id int, x float8, answer text); SELECT easq_learn('n', 'p', options => '{\"when\": \"commit\"}')");
sql('BEGIN;' . answers('p', 1, 2) . "PREPARE TRANSACTION 'p'");
is(sql("SELECT easq_drain('n')"), 0, 'prepared: not to be seen, and nobody waits for it');
sql("COMMIT PREPARED 'p'");
waits_for("SELECT answers = 2 FROM easq.models WHERE name = 'n'", 'and learned once it is committed');

# one who teaches now is waited for, and others are not; so is a model whose owner is gone
my $holder = $node->background_psql('postgres');
$holder->query("BEGIN; SELECT easq_drain('m'); SELECT 1 FROM easq.adapter WHERE model = 'm' AND state = 'current' FOR NO KEY UPDATE");
sql(answers('q', 17, 18) . answers('r', 1, 2));
waits_for("SELECT answers = 0 FROM easq.queues WHERE model = 'n'", 'a locked model keeps no other waiting');
is(sql("SELECT answers FROM easq.queues WHERE model = 'm'"), 2, 'but itself');
$holder->query('COMMIT');
$holder->quit;
waits_for("SELECT answers = 0 FROM easq.queues WHERE model = 'm'", 'until the lock is gone');

# what somebody else has learned meanwhile is not waited for
$holder = $node->background_psql('postgres');
$holder->query("BEGIN; SELECT 1 FROM easq.adapter WHERE model = 'm' AND state = 'current' FOR NO KEY UPDATE");
sql(answers('q', 101, 102));
sql('DROP TABLE clock; CREATE TABLE clock AS SELECT clock_timestamp() AS at');
my $slept = "EXISTS (SELECT FROM pg_stat_activity, clock WHERE backend_type = 'easq worker' AND state = 'idle' AND state_change > at)";
waits_for("SELECT $slept", 'the worker has found the model locked');
$holder->query("SELECT easq_drain('m'); COMMIT");
$holder->quit;
my $looks = "SELECT xact_commit FROM pg_stat_database WHERE datname = 'postgres'";
my $before = sql($looks);
sql('SELECT pg_sleep(1.5)');
cmp_ok(sql($looks) - $before, '<', 100, 'and it sleeps');

# a model that cannot be read loses its answers, with a reason, and nobody else does
sql("UPDATE easq.adapter SET id = gen_random_uuid() WHERE model = 'm'");
sql(answers('q', 19, 20) . answers('r', 3, 4));
waits_for('SELECT sum(answers) = 0 FROM easq.queues', 'a damaged model blocks nobody');
is(sql("SELECT reason, answers FROM easq.steps WHERE model = 'm' ORDER BY id DESC LIMIT 1"), 'opening the model failed (XX001)|2', 'what cannot be learned is logged');
adds_up('m', 'q', 'and adds up');
# where not even that is possible it tries again, ever more rarely
sql('ALTER TABLE easq.step RENAME TO elsewhere');
sql(answers('r', 5, 6));
waits_for("SELECT 1 = (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'easq worker')", 'no log: the worker stays');
sql('ALTER TABLE easq.elsewhere RENAME TO step');
waits_for('SELECT sum(answers) = 0 FROM easq.queues', 'and learns when it can');
is(sql('SELECT easq_stop_worker()'), 't', 'stopped');
is(sql('SELECT easq_stop_worker()'), 'f', 'there is none any more');
is(workers(), 0, 'nor is one started again');

# ------------------------------------------------------------ databases and extensions that go
new_database($node, 'gone');
make('m', 'q', 'gone');
sql('SELECT easq_start_worker()', 'gone');
sql('DROP DATABASE gone');
waits_for("SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'easq worker'", 'an idle worker makes way for DROP DATABASE');
new_database($node, 'without');
sql('SELECT easq_start_worker()', 'without');
sql('DROP EXTENSION easq', 'without');
waits_for("SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'easq worker'", 'it ends with the extension');
# a look-alike of its schema would have it run code of theirs, as whoever they say owns the model
new_database($node, 'lookalike');
make('m', 'q', 'lookalike');
sql(answers('q', 1, 2), 'lookalike');
sql('ALTER EXTENSION easq DROP SCHEMA easq', 'lookalike');
$node->psql('lookalike', 'SELECT easq_start_worker()');
waits_for("SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'easq worker'", 'it leaves a schema that is not the extension\'s');
is(sql("SELECT answers FROM easq.queues", 'lookalike'), 2, 'and learns nothing there');
$node->append_conf('postgresql.conf', 'easq.worker_idle_timeout = 1s');
$node->reload;
sql('SELECT easq_start_worker()');
waits_for("SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'easq worker'", 'it ends when idle, where asked');
$node->append_conf('postgresql.conf', 'easq.worker_idle_timeout = 0');
$node->reload;

# ------------------------------------------------------------ crashes
make('crash', 'c');
my $last = 0;
for my $round (1 .. 4)
{
	my $pid = sql('SELECT easq_start_worker()');

	sql(answers('c', $last + 1, $last + 4000));
	$last += 4000;
	# in the midst of it
	$node->poll_query_until('postgres', "SELECT answers < 4000 FROM easq.queues WHERE model = 'crash'");
	if ($round % 2)
	{
		kill 'KILL', $pid;
		$node->poll_query_until('postgres', "SELECT pg_postmaster_start_time() IS NOT NULL AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $pid)");
		waits_for("SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'easq worker'", "crash $round: it is started again");
	}
	else
	{
		$node->stop('immediate');
		$node->start;
	}
	adds_up('crash', 'c', "crash $round: each answer is learned once, or waits");
}
ok($node->poll_query_until('postgres', "SELECT easq_start_worker() > 0"), 'started again');
waits_for("SELECT answers = 0 FROM easq.queues WHERE model = 'crash'", 'what waited is learned');
adds_up('crash', 'c', 'and no more');
is(sql("SELECT answers + (SELECT coalesce(sum(answers), 0) FROM easq.steps WHERE model = 'crash' AND reason LIKE '%again%') FROM easq.models WHERE name = 'crash'"), $last, 'each remembered once');

# ------------------------------------------------------------ preloaded
sql('SELECT easq_stop_worker()');
sql(answers('r', 7, 8));
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'easq'");
$node->restart;
waits_for('SELECT sum(answers) = 0 FROM easq.queues', 'a server that starts looks what was left');
sql("SELECT easq_stop_worker()");
sql(answers('r', 9, 10));
waits_for('SELECT sum(answers) = 0 FROM easq.queues', 'an answer starts a worker');

# ------------------------------------------------------------ a standby
$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
like(refused($standby, 'postgres', 'SELECT easq_drain()'), qr/^25006/, 'a standby learns nothing');
like(refused($standby, 'postgres', 'SELECT easq_start_worker()'), qr/^25006/, 'and has no worker');
is($standby->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'easq%'"), 0, 'not by itself either');

$node->stop;
done_testing();
