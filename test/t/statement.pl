# One statement: the memory it takes, the transaction ids it uses, and a subscriber of a publication.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PostgreSQL::Test::Utils;
use Test::More;
use EasqTest;

my $megabyte = 1024 * 1024;
my $node = start_server('statement', conf => "autovacuum = off\nwork_mem = 4MB\nmax_wal_size = 2GB\nwal_level = logical", init => { allows_streaming => 'logical' });

sub sql { return $node->safe_psql('postgres', $_[0]); }

sub peak
{
	my ($pid) = @_;

	return slurp_file("/proc/$pid/status") =~ /^VmHWM:\s+(\d+) kB/m ? $1 * 1024 : die 'no VmHWM';
}

note 'transaction ids';
{
	one_feature($node, 'postgres', 'ids', 'ids');
	my $insert = "INSERT INTO ids (user_id, x, answer) VALUES ((random() * 1e9)::int, random(), CASE WHEN random() < 0.5 THEN 'satisfied' ELSE 'dissatisfied' END);";
	my $next = "SELECT pg_snapshot_xmax(pg_current_snapshot());";
	# of one transaction: its own, and until the session has taught the model once a subtransaction's
	my @ids = split /\n/, sql("$next BEGIN; $insert COMMIT; $next BEGIN;" . $insert x 100 . "COMMIT; $next");
	is(join(' ', $ids[1] - $ids[0], $ids[2] - $ids[1]), '2 1', 'a hundred answers of one transaction take its id and no other');
	# more than 64 subtransactions would have all others look up whose they are
	my $lookups = "SELECT blks_hit + blks_read FROM pg_stat_slru WHERE name = 'Subtrans'";
	my $session = $node->background_psql('postgres');
	$session->query('BEGIN;' . $insert x 100);
	sql("SELECT pg_stat_reset_slru('Subtrans'); SELECT easq_score('ids', c) FROM ids c");
	is(sql($lookups), '0', 'and nobody looks up subtransactions for them');
	$session->query('COMMIT');
	$session->quit;
	is(sql("SELECT answers FROM easq.models WHERE name = 'ids'"), '201', 'all were remembered');

	# what was damaged since is skipped, in a session that is trusted as well
	@ids = split /\n/, sql("$insert BEGIN; UPDATE easq.adapter SET backbone_id = gen_random_uuid(); $insert ROLLBACK; SELECT count(*) FROM ids;
		BEGIN; ALTER TABLE easq.answer ADD CHECK (answer > 2) NOT VALID; $insert SELECT status FROM easq.steps ORDER BY id DESC LIMIT 1; ROLLBACK; $insert SELECT count(*) FROM ids");
	is($ids[0] . ' ' . $ids[-1], '202 203', 'rows stay whatever stops their learning');
}

note 'an encoding with bytes that mean nothing';
{
	sql("CREATE DATABASE west ENCODING 'WIN1252' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'");
	my $skipped = $node->safe_psql('west', qq{SET client_encoding = WIN1252; CREATE EXTENSION easq;
		SELECT easq_create_model('m', '[{"name": "c", "kind": "categorical", "size": 9, "dim": 2}]', '$EasqTest::options') \\g /dev/null
		CREATE TABLE q (user_id int, c text, answer text);
		SELECT easq_learn('m', 'q', options => '{"when": "later"}') \\g /dev/null
		INSERT INTO q SELECT 1, 'a', 'satisfied';
		INSERT INTO q SELECT 1, 'a', 'dissatisfied';
		INSERT INTO q SELECT 1, E'\\x81', 'satisfied';
		INSERT INTO q SELECT 1, E'\\x81', 'satisfied';
		SELECT answers, (SELECT count(*) FROM easq.steps WHERE status = 'skipped') FROM easq.queues});
	is($skipped, '2|2', 'a value that cannot be converted is skipped, each time');
}

note 'memory';
SKIP:
{
	skip 'memory is read from /proc', 4 unless -r '/proc/self/status';
	my $file = PostgreSQL::Test::Utils::tempdir() . '/answers';
	sql("SELECT easq_create_model('large', '$EasqTest::x', '{\"hidden\": 4, \"expert_hidden\": 4, \"pairs_per_answer\": 1, \"replayed_answers\": 0}');
		CREATE TABLE large (id int, user_id int, x float8, answer boolean, note text);
		COPY (SELECT i, i, sin(i), i % 2 = 0, NULL FROM generate_series(1, 100000) i) TO '$file'");
	my $session = $node->background_psql('postgres');
	my $pid = $session->query('SELECT pg_backend_pid()');
	$session->query("SELECT easq_learn('large', 'large')");
	my $before = peak($pid);
	$session->query("COPY large FROM '$file'");
	my $copied = peak($pid) - $before;
	cmp_ok($copied, '<', 48 * $megabyte, 'COPY of 100,000 answers');
	is(sql("SELECT sum(answers), max(answers), min(status) FROM easq.steps WHERE model = 'large'"), '100000|256|applied', 'which are all learned');
	sql("SELECT easq_stop_learning('large', 'large'); INSERT INTO large SELECT i, i, sin(i), i % 2 = 0, NULL FROM generate_series(100001, 300000) i; SELECT easq_learn('large', 'large')");
	$session->quit;
	for my $how (['the rows as they are', ''], ['through a query', ", features => 'SELECT * FROM new_rows'"])
	{
		sql("SELECT easq_learn('large', 'large'$how->[1])");
		$session = $node->background_psql('postgres');
		$pid = $session->query('SELECT pg_backend_pid()');
		$session->query("UPDATE large SET note = '' WHERE id = 1");
		$before = peak($pid);
		$session->query("UPDATE large SET note = 'seen'");
		cmp_ok(peak($pid) - $before, '<', 40 * $megabyte, "UPDATE of an unrelated column of 300,000 answered rows, $how->[0]");
		$session->quit;
	}
	is(sql("SELECT adapter_version, (SELECT count(*) FROM easq.steps WHERE model = 'large' AND source = 'update') FROM easq.models WHERE name = 'large'"), '2|0', 'and nothing is learned from it');
}

note 'logical replication';
{
	my $subscriber = start_server('subscriber', conf => 'autovacuum = off');
	my $table = 'CREATE TABLE survey (id int PRIMARY KEY, user_id int, x float8, answer text)';
	my $attach = "SELECT easq_create_model('m', '$EasqTest::x', '$EasqTest::options'); SELECT easq_learn('m', 'survey')";
	my $rows = "INSERT INTO survey SELECT i, i, i, CASE WHEN i % 2 = 0 THEN 'satisfied' ELSE 'dissatisfied' END FROM generate_series";

	sql("$table; $rows(1, 10) i; CREATE PUBLICATION survey FOR TABLE survey");
	$subscriber->safe_psql('postgres', "$table; $attach; CREATE SUBSCRIPTION survey CONNECTION '" . $node->connstr . " dbname=postgres' PUBLICATION survey");
	$subscriber->wait_for_subscription_sync($node, 'survey');
	is($subscriber->safe_psql('postgres', 'SELECT (SELECT count(*) FROM survey), (SELECT count(*) FROM easq.step)'), '10|0', 'the first copy teaches nothing');
	sql("$rows(11, 20) i; UPDATE survey SET answer = 'satisfied'");
	$node->wait_for_catchup('survey');
	is($subscriber->safe_psql('postgres', "SELECT (SELECT count(*) FROM survey WHERE answer = 'satisfied'), (SELECT count(*) FROM easq.step)"), '20|0', 'nor do rows that are applied');
	$subscriber->safe_psql('postgres', 'ALTER TABLE survey ENABLE ALWAYS TRIGGER easq_learn_insert; ALTER TABLE survey ENABLE ALWAYS TRIGGER easq_learn_update');
	sql("$rows(21, 30) i; UPDATE survey SET answer = 'dissatisfied' WHERE id < 10");
	$node->wait_for_catchup('survey');
	is($subscriber->safe_psql('postgres', 'SELECT (SELECT count(*) FROM survey), (SELECT count(*) FROM easq.step)'), '30|0', 'triggers that are always enabled neither: none of statements is fired for them');
	$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION survey; TRUNCATE survey');
	$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION survey CONNECTION '" . $node->connstr . " dbname=postgres' PUBLICATION survey");
	$subscriber->wait_for_subscription_sync($node, 'survey');
	is($subscriber->safe_psql('postgres', 'SELECT (SELECT count(*) FROM survey), (SELECT sum(answers) FROM easq.step)'), '30|30', 'but a first copy does fire those');
	$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION survey');
	is($subscriber->safe_psql('postgres', "INSERT INTO survey VALUES (100, 1, 1, 'satisfied'); SELECT count(*) > 0 FROM easq.step WHERE answers = 1"), 't', 'who writes on the subscriber teaches it');
	$subscriber->stop;
}

$node->stop;
done_testing();
