# Cancel and statement_timeout are honoured inside the arithmetic: each of these statements works for several seconds.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use EasqTest;

# Of a statement that is told to end after 200 ms: generous, as machines are slow and busy.
my $most = 2;

my $node = start_server('cancel', conf => 'autovacuum = off');
my $wide = '"hidden": 1024, "expert_hidden": 256, "experts": 16, "satisfaction_experts": 4, "warm_up": 0';

sub sql { return $node->safe_psql('postgres', $_[0]); }

sub vector_model
{
	my ($name, $options) = @_;

	sql(qq{SELECT easq_create_model('$name', '[{"name": "v", "kind": "vector", "dim": 64}]', '{$options}');
		CREATE TABLE $name (user_id int, v real[], answer bool);
		SELECT easq_learn('$name', '$name')});
}

# Some rows of a questionnaire of vectors, satisfied and dissatisfied in turn.
sub rows
{
	my ($from, $to) = @_;

	return "SELECT i % 7 AS user_id, (SELECT array_agg(sin(i * 31 + j)::real) FROM generate_series(1, 64) j) AS v, i % 2 = 0 AS answer FROM generate_series($from, $to) i";
}

# All of it that is stored.
sub state_of { return sql("SELECT md5(easq_export('$_[0]')), (SELECT count(*) FROM easq.step), (SELECT count(*) FROM easq.answer)"); }

# The statement is cancelled in time and leaves nothing; the session then does what it would have done anyway.
sub is_cancelled
{
	my ($what, $model, $statement, $after) = @_;
	my $before = state_of($model);
	my $start = time;
	my @result = refusals($node, 'postgres', "SET statement_timeout = '200ms'", $statement);
	my $seconds = time - $start;

	like($result[1], qr/^57014/, "$what is cancelled");
	cmp_ok($seconds, '<', $most, "$what: within ${most} s");
	is(state_of($model), $before, "$what leaves everything as it was");
	@result = refusals($node, 'postgres', "SET statement_timeout = '200ms'", $statement, 'SET statement_timeout = 0', $after);
	is($result[3], '', "$what: the session goes on");
}

note 'answers';
{
	vector_model('wide', $wide);
	sql('CREATE TABLE answers AS ' . rows(1, 256));
	is_cancelled('an INSERT of 256 answers', 'wide', 'INSERT INTO wide SELECT * FROM answers', 'INSERT INTO wide ' . rows(1, 2));
}
{
	vector_model('paired', qq{$wide, "pairs_per_answer": 256, "replayed_answers": 0, "answers_per_respondent": 0});
	sql(q{SELECT easq_stop_learning('paired', 'paired');
		INSERT INTO paired } . rows(1, 1024) . q{;
		SELECT easq_learn('paired', 'paired', options => '{"backlog": "remember"}')});
	is_cancelled('pairs_per_answer 256', 'paired', 'INSERT INTO paired ' . rows(2001, 2016), q{SELECT easq_configure('paired', '{"pairs_per_answer": 8}')});
}

note 'one step';
{
	sql(qq{SELECT easq_create_model('aligned', '[{"name": "v", "kind": "vector", "dim": 64}]', '{$wide}')});
	sql('CREATE TABLE matrix AS SELECT array_agg(v) AS chosen FROM (' . rows(1, 8192) . ') r');
	is_cancelled('easq_align of 8,192 pairs', 'aligned', q{SELECT easq_align('aligned', chosen, chosen) FROM matrix},
		q{SELECT easq_align('aligned', chosen[1:2], chosen[3:4]) FROM matrix});
}
{
	sql(qq{SELECT easq_create_model('trained', '$EasqTest::x', '{$wide}');
		CREATE TABLE view AS SELECT i % 100 AS g, sin(i) AS x, i % 3 = 0 AS l FROM generate_series(1, 20000) i});
	is_cancelled('batch_pairs 65536', 'trained', q{SELECT * FROM easq_train('trained', 'SELECT * FROM view', 'l', 'g', options => '{"batch_pairs": 65536, "epochs": 1}')},
		q{SELECT * FROM easq_train('trained', 'SELECT * FROM view WHERE g < 2 LIMIT 40', 'l', 'g', options => '{"epochs": 1}')});
}

note 'weights';
is_cancelled('a model of 20 million rows', 'trained',
	q{SELECT easq_create_model('large', '[{"name": "c", "kind": "categorical", "size": 20000000, "dim": 16}]')},
	q{SELECT easq_create_model('small', '[{"name": "c", "kind": "categorical", "size": 20, "dim": 16}]')});
is(sql(q{SELECT count(*) FROM easq.models WHERE name = 'large'}), '0', 'it is not there');

done_testing();
