# One copy of a model for all connections: who loads it, who waits, when it goes, and what is done without it.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PostgreSQL::Test::Utils;
use Test::More;
use EasqTest;

# Tables of 13 MB.
my $megabyte = 1024 * 1024;
my $wide = '[{"name": "item", "kind": "categorical", "size": 200000, "dim": 16, "encoding": "index"}]';
my $options = $EasqTest::options =~ s/\}$/, "factors": 0, "beliefs": false}/r;	# sizes of what is shared are those of embeddings alone
my $preload = "shared_preload_libraries = 'easq'";
my $node = start_server('shared', conf => "$preload\nrestart_after_crash = on\nautovacuum = off\nmax_wal_size = 1GB");

sub sql { return $node->safe_psql('postgres', $_[0]); }
sub session { return $node->background_psql('postgres', on_error_stop => 0); }
sub score { my ($model) = @_; return "SELECT easq_score('$model', c) FROM (SELECT i AS item FROM generate_series(1, 199999, 40000) i) c;"; }
sub entries { return sql('SELECT model, state, connections FROM easq_shared_cache() ORDER BY model, state'); }
sub train { my ($model) = @_; return "SELECT epochs FROM easq_train('$model', 'SELECT i % 100 AS item, i % 3 = 0 AS label, i / 10 AS g FROM generate_series(1, 1000) i', 'label', 'g', options => '{\"epochs\": 1}');"; }

# An entry's connections are counted down when a backend is gone, a moment after psql.
sub entries_are
{
	my ($expected, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	$node->poll_query_until('postgres', "SELECT coalesce(string_agg(concat_ws('|', model, state, connections), E'\\n' ORDER BY model, state), '') FROM easq_shared_cache()", $expected);
	return is(entries(), $expected, $name);
}

sub private_bytes
{
	my ($session) = @_;
	my $rollup = slurp_file('/proc/' . $session->query('SELECT pg_backend_pid()') . '/smaps_rollup');
	my $sum = 0;

	$sum += $1 * 1024 while $rollup =~ /^Private_\w+:\s+(\d+)/mg;
	return $sum;
}

# Blocks whoever reads tensors until it ends.
sub block
{
	my $session = session();

	$session->query('BEGIN; REINDEX INDEX easq.tensor_pkey');
	return $session;
}

# Sends a query whose answer is fetched later; waits until its backend waits for what.
sub start
{
	my ($session, $query, $what) = @_;
	my $pid = $session->query('SELECT pg_backend_pid()');

	$session->query_until(qr/go/, "\\echo go\n$query\n");
	poll($node, 'postgres', "SELECT wait_event_type = '$what' FROM pg_stat_activity WHERE pid = $pid");
	return $pid;
}

sql("SELECT easq_create_model('a', '$wide', '$options'); SELECT easq_create_model('b', '$wide', '$options');");
sql('ALTER SYSTEM SET easq.shared_cache_size = 0; SELECT pg_reload_conf()');
poll($node, 'postgres', "SELECT setting = '0' FROM pg_settings WHERE name = 'easq.shared_cache_size'");
my $alone = sql(score('a'));
is(entries(), '', 'a limit of 0: nothing is shared');
sql('ALTER SYSTEM RESET easq.shared_cache_size; SELECT pg_reload_conf()');
poll($node, 'postgres', "SELECT setting <> '0' FROM pg_settings WHERE name = 'easq.shared_cache_size'");

note 'a further connection';
my $first = session();
is($first->query(score('a')), $alone, 'the loader scores as from a copy of its own');
entries_are('a|current|1', 'it is shared');
SKIP:
{
	skip 'memory is read from /proc', 1 unless -r '/proc/self/smaps_rollup';
	my $second = session();
	my $before = private_bytes($second);
	is($second->query(score('a')), $alone, 'another scores alike');
	cmp_ok(private_bytes($second) - $before, '<', 6 * $megabyte, 'and adds less memory than the table has');
	entries_are('a|current|2', 'both have it mapped');
	$second->quit;
	entries_are('a|current|1', 'one has left');
}
is(sql("SET force_parallel_mode = on; SET parallel_setup_cost = 0; " . score('a')), $alone, 'parallel workers score alike')
	if $node->pg_version < 16;
is(sql("CREATE TABLE item AS SELECT i % 200000 AS item FROM generate_series(1, 100000) i; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
	SET parallel_leader_participation = off; SELECT count(easq_score('a', c)) FROM (SELECT item FROM item) c"), '100000', 'a query of several workers');
entries_are('a|current|1', 'workers have left');
is($node->psql('postgres', 'CREATE ROLE nobody; SET ROLE nobody; SELECT * FROM easq_shared_cache()'), 3, 'not everybody sees what is shared');

note 'answers and training';
$first->query("CREATE TABLE q (user_id int, item int, answer text); SELECT easq_learn('a', 'q'); INSERT INTO q VALUES (1, 1, 'satisfied'), (1, 2, 'dissatisfied')");
isnt($first->query(score('a')), $alone, 'an answer is learned');
entries_are('a|current|1', 'on the same backbone');
is(sql(score('a')), $first->query(score('a')), 'both on the new adapter');
{
	my $before = sql(score('a'));

	$first->query("BEGIN; INSERT INTO q VALUES (2, 1, 'satisfied'), (2, 2, 'dissatisfied')");
	isnt($first->query(score('a')), $before, 'one who learns scores with a further adapter');
	is(sql(score('a')), $before, 'a new connection with the one that is committed');
	$first->query('ROLLBACK');
	is($first->query(score('a')), $before, 'and after a rollback both do');
}
{
	my $old = session();
	my $before = $first->query(score('a'));

	$old->query('BEGIN ISOLATION LEVEL REPEATABLE READ; ' . score('a'));
	sql(train('a'));
	isnt(sql(score('a')), $before, 'training changes the score');
	entries_are("a|current|0\na|superseded|2", 'the old backbone stays with those who use it');
	is($first->query(score('a')), sql(score('a')), 'the first connection goes over');
	is($old->query(score('a')), $before, 'an old snapshot scores as before');
	entries_are("a|current|1\na|superseded|1", 'with the backbone of its own');
	$old->query('COMMIT');
	is($old->query(score('a')), sql(score('a')), 'until it ends');
	entries_are('a|current|2', 'the old backbone is gone');
	$old->quit;
}

{
	my $old = session();
	my $before = sql(score('a'));

	$old->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
	sql(train('a'));
	$first->query(score('a'));
	entries_are('a|current|1', 'the old backbone is gone');
	is($old->query(score('a')), $before, 'an old snapshot loads it again');
	entries_are("a|current|1\na|superseded|1", 'for as long as it lasts');
	$old->quit;
	entries_are('a|current|1', 'and no longer');
}

note 'what is not committed';
{
	my $before = sql(score('a'));
	my $own = $first->query('BEGIN; ' . train('a') . score('a'));

	isnt($own, "1\n$before", 'a transaction scores with its own training');
	is(sql(score('a')), $before, 'others do not');
	# a session keeps the version before as a spare where the newest is not shared
	entries_are('a|current|1', 'nor is it shared');
	$first->query('ROLLBACK');
	is($first->query(score('a')), $before, 'rolled back');
	entries_are('a|current|1', 'nothing is left of it');
	$first->query('BEGIN; ' . train('a') . score('a') . 'COMMIT;');
	isnt($first->query(score('a')), $before, 'committed');
	entries_are('a|current|1', 'it is shared from the next statement on');
	is($first->query(score('a')), sql(score('a')), 'with all');
}

note 'loaders and those who wait for them';
for my $how ('pg_cancel_backend', 'pg_terminate_backend')
{
	sql(train('a'));
	my ($blocker, $loader, $waiter) = (block(), session(), session());
	$waiter->query("SET deadlock_timeout = '1h'");
	my $loading = start($loader, score('a'), 'Lock');
	is(sql("SELECT state, connections FROM easq_shared_cache() WHERE state = 'loading'"), 'loading|1', 'one loads');
	my $waiting = start($waiter, score('a'), 'Extension');
	sql("SELECT $how($loading)");
	poll($node, 'postgres', "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $waiting");
	is(sql("SELECT state, connections FROM easq_shared_cache() WHERE state = 'loading'"), 'loading|1', "$how: another loads in its place");
	$blocker->query('ROLLBACK');
	is($waiter->query('SELECT 1') =~ s/\n1$//r, sql(score('a')), 'and scores');
	eval { $loader->quit };
	$_->quit for $blocker, $waiter;
	$first->query(score('a'));
	entries_are('a|current|1', 'no half entry is left');
}
{
	sql(train('a'));
	my ($blocker, $loader, $waiter) = (block(), session(), session());
	$waiter->query("SET deadlock_timeout = '1h'");
	start($loader, score('a'), 'Lock');
	my $waiting = start($waiter, score('a'), 'Extension');
	sql("SELECT pg_cancel_backend($waiting)");
	poll($node, 'postgres', "SELECT state = 'idle' FROM pg_stat_activity WHERE pid = $waiting");
	pass('waiting can be cancelled');
	# the one who holds the lock waits for the loader: a deadlock that only easq can see
	my $score = $blocker->query("SET deadlock_timeout = '100ms'; " . score('a'));
	like($score, qr/^[\d.\n]+$/, 'whoever blocks the loader does not wait for it');
	$blocker->query('ROLLBACK');
	$loader->query('SELECT 1');
	is(sql(score('a')), $score, 'the loader goes on');
	$_->quit for $blocker, $loader, $waiter;
}

note 'limits';
{
	$first->query(score('a'));
	entries_are('a|current|1', 'one model');
	sql("ALTER SYSTEM SET easq.shared_cache_size = '20MB'; SELECT pg_reload_conf()");
	poll($node, 'postgres', "SELECT setting = '20480' FROM pg_settings WHERE name = 'easq.shared_cache_size'");
	my ($out, $err);
	$node->psql('postgres', score('b') . train('b') . score('b'), stdout => \$out, stderr => \$err);
	is(() = $err =~ /WARNING/g, 1, 'one warning a connection');
	like($err, qr/WARNING: +model "b" is not shared, this connection loads its own copy of 13 MB: easq.shared_cache_size leaves 7 MB beside the models in use\nHINT: +Raise easq.shared_cache_size/, 'a full cache says so');
	like($out, qr/^[\d.\n]+$/, 'and scores all the same');
	entries_are('a|current|1', 'from a copy of its own');
	$first->quit;
	entries_are('a|current|0', 'a model that nobody uses stays');
	sql(score('b'));
	entries_are('b|current|0', 'until another needs the room');
	sql('ALTER SYSTEM RESET easq.shared_cache_size; SELECT pg_reload_conf()');
	poll($node, 'postgres', "SELECT setting <> '20480' FROM pg_settings WHERE name = 'easq.shared_cache_size'");

	# the name of a model that was dropped is free, and its versions begin again
	sql(train('b') . score('b'));
	my $make = "SELECT easq_drop_model('b'); SELECT easq_create_model('b', '$wide', '$options')";
	sql($make);
	sql(score('b'));
	entries_are('b|current|0', 'a model made again has the place of the one that was dropped');
	is(sql('SELECT count(*) FROM easq_shared_cache() JOIN easq.model USING (backbone_id)'), '1', 'with a backbone of its own');
}
SKIP:
{
	# where /dev/shm cannot be used, initdb chooses another kind, which knows no size of a file
	skip 'no POSIX shared memory', 3 if sql('SHOW dynamic_shared_memory_type') ne 'posix';
	# the children of a postmaster that may write no file of this size get no segment of it either
	my $postmaster = (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0];
	skip 'no prlimit', 3 if system("prlimit --pid $postmaster --fsize=10000000: 2>/dev/null") != 0;
	my ($out, $err);
	$node->psql('postgres', score('a') . score('a'), stdout => \$out, stderr => \$err);
	like($err, qr/^\S*:1: WARNING: +model "a" is not shared, this connection loads its own copy of 13 MB: could not [^\n]*\n\S*HINT: +Give the server more shared memory: a larger \/dev\/shm[^\n]*$/, 'no room in /dev/shm: one warning, with a hint');
	like($out, qr/^[\d.\n]+$/, 'and scores all the same');
	entries_are('', 'from a copy of its own, and what nobody used was given back in vain');
	system("prlimit --pid $postmaster --fsize=unlimited:");
}

note 'a full /dev/shm';
SKIP:
{
	# a server of its own, in a namespace whose /dev/shm has room for one model
	my ($uid, $gid) = ($<, (split / /, $()[0]);
	my @inside = ('unshare', '-rm', 'sh', '-c', "mount -t tmpfs -o size=20m,mode=1777 tmpfs /dev/shm && exec unshare -U --map-user=$uid --map-group=$gid \"\$@\"", 'sh');
	my $small = PostgreSQL::Test::Cluster->new('small');
	$small->init;
	$small->append_conf('postgresql.conf', "$preload\ndynamic_shared_memory_type = posix");
	skip 'no namespaces for users', 5 if system(join(' ', map { quotemeta } @inside, 'true') . ' 2>/dev/null') != 0;
	skip 'the server does not start in them', 5
	  if system(@inside, 'pg_ctl', '-w', '-D', $small->data_dir, '-l', $small->logfile, 'start') != 0;
	$small->_update_pid(1);
	$small->safe_psql('postgres', "CREATE EXTENSION easq; SELECT easq_create_model('a', '$wide', '$options'); SELECT easq_create_model('b', '$wide', '$options')");
	my $shared = sub { return $small->safe_psql('postgres', 'SELECT model FROM easq_shared_cache() ORDER BY model') };
	my ($out, $err);
	$small->psql('postgres', score('a'), stderr => \$err);
	is($shared->() . $err, 'a', 'one model has all the room');
	$small->psql('postgres', score('b'), stdout => \$out, stderr => \$err);
	is($err, '', 'another wants it');
	is($shared->(), 'b', 'and has it, as nobody uses the first');
	my $user = $small->background_psql('postgres');
	$user->query(score('b'));
	$small->psql('postgres', score('a'), stderr => \$err);
	like($err, qr/WARNING: +model "a" is not shared, this connection loads its own copy of 13 MB: could not resize/, 'while somebody uses the second there is none');
	is($shared->(), 'b', 'and it stays');
	$user->quit;
	$small->stop;
}

note 'databases';
sql(score('a'));
$node->safe_psql('template1', 'CREATE DATABASE twin TEMPLATE postgres');
is($node->safe_psql('twin', score('a')), sql(score('a')), 'a copy of a database has the same ids');
is(sql("SELECT count(*), count(DISTINCT backbone_id), count(DISTINCT database) FROM easq_shared_cache() WHERE model = 'a'"), '2|1|2', 'and an entry of its own');
$node->safe_psql('postgres', 'DROP DATABASE twin');

note 'a crash';
{
	my $session = session();
	my $expected = $session->query(score('a'));
	my $pid = $session->query('SELECT pg_backend_pid()');
	kill 'KILL', $pid;
	eval { $session->quit };
	$node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM easq_shared_cache()') || die 'the server does not come back';
	is(sql(score('a')), $expected, 'after a crash models are loaded again');
	entries_are('a|current|0', 'into an empty registry');
}
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|leak/, 'nothing else crashed, nothing leaked');

note 'without shared_preload_libraries';
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->restart;
is(sql(score('a') . 'SHOW easq.shared_cache_size'), sql(score('a')) . "\n4GB", 'all works');
is(entries(), '', 'and nothing is shared');
SKIP:
{
	skip 'memory is read from /proc', 1 unless -r '/proc/self/smaps_rollup';
	my $session = session();
	$session->query("SET easq.cache_size = '1MB'");
	$session->query(score('a'));
	my $in_use = private_bytes($session);
	sql("SELECT easq_create_model('small', '$EasqTest::x', '$options')");
	$session->query("SELECT easq_score('small', c) FROM (SELECT 1 AS x) c");
	cmp_ok($in_use - private_bytes($session), '>', 12 * $megabyte, 'a model beyond easq.cache_size goes when another is used');
	$session->quit;
}

$node->stop;
done_testing();
