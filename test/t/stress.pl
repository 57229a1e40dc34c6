# Answering, changing one's mind, ranking, aligning, configuring and vacuuming at once.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PostgreSQL::Test::Utils;
use Test::More;
use EasqTest;

my $node = start_server('stress', conf => "autovacuum_naptime = 1s\nmax_wal_size = 1GB");
one_feature($node, 'postgres', 'm', 'q');
$node->safe_psql('postgres', "INSERT INTO q (user_id, x, answer) SELECT i % 10, sin(i), CASE WHEN i % 2 = 0 THEN 'satisfied' ELSE 'dissatisfied' END FROM generate_series(1, 20) i");

my $folder = PostgreSQL::Test::Utils::tempdir();
my $row = '(SELECT 0.5 AS x) c';
my %script = (
	'insert@8' => "\\set i random(1, 1000000000)\nINSERT INTO q (user_id, x, answer) VALUES (:i % 10, sin(:i), CASE WHEN :i % 3 = 0 THEN 'satisfied' ELSE 'dissatisfied' END);",
	'update@4' => "\\set i random(1, 20)\nUPDATE q SET answer = CASE answer WHEN 'satisfied' THEN 'dissatisfied' ELSE 'satisfied' END WHERE id = :i;",
	'undone@2' => "BEGIN;\nINSERT INTO q (user_id, x, answer) VALUES (1, 1, 'satisfied'), (1, 2, 'dissatisfied');\nSAVEPOINT a;\nUPDATE q SET answer = NULL WHERE id > 1000000;\nROLLBACK;",
	'score@8' => "SELECT count(easq_score('m', c)) + count(easq_satisfaction('m', c)) FROM (SELECT i AS x FROM generate_series(1, 50) i) c;",
	# the same model from beginning to end
	'repeatable@4' => "BEGIN ISOLATION LEVEL REPEATABLE READ;\nSELECT easq_score('m', c) AS a FROM $row \\gset\nSELECT count(*) FROM q;\nSELECT easq_score('m', c) AS b FROM $row \\gset\nSELECT 1 / (:a = :b)::int;\nCOMMIT;",
	'align@2' => "SELECT loss FROM easq_align('m', '{{0.1}}', '{{-0.1}}');",
	'configure@1' => "SELECT easq_configure('m', '{\"learning_rate\": 0.005}');",
	'export@1' => "SELECT length(easq_export('m'));",
	'vacuum@1' => "VACUUM (TRUNCATE off) easq.tensor, easq.adapter, easq.answer_count, easq.answer;");
for my $name (keys %script)
{
	append_to_file("$folder/" . ($name =~ s/\@.*//r), $script{$name});
}
my @files = map { ('-f', "$folder/$_") } sort keys %script;   # name@weight
my ($stdout, $stderr) = ('', '');
my $before = $node->safe_psql('postgres', 'SELECT count(*) FROM q');
IPC::Run::run([ 'pgbench', '-n', '-r', '-c', '6', '-j', '2', '-t', '120', @files, $node->connstr('postgres') ], '>', \$stdout, '2>', \$stderr);
is($? >> 8, 0, 'pgbench') or diag($stderr);
note join "\n", grep { /script|latency/ } split /\n/, $stdout;
unlike($stderr, qr/ERROR|aborted/, 'no transaction fails');
like($stdout, qr{^number of transactions actually processed: 720/720$}m, 'all of them are done');

my $added = $node->safe_psql('postgres', 'SELECT count(*) FROM q') - $before;
cmp_ok($added, '>', 50, "$added answers came in");
is($node->safe_psql('postgres', "SELECT sum(answers) FROM easq.steps WHERE source = 'insert'"), 20 + $added, 'and each has taken part in a step');
is($node->safe_psql('postgres', 'SELECT count(DISTINCT id) FROM easq.tensor WHERE part <> $$belief$$'), '2', 'one version is left');
is($node->safe_psql('postgres', "SELECT string_agg(concat_ws(' ', source, status, reason, detail), ', ') FROM easq.steps WHERE status <> 'applied'"), '', 'no step was skipped');
# What is remembered is what stands in the table, in the end.
my $remembered = "SELECT md5(string_agg(concat_ws(' ', respondent, answer), ',' ORDER BY respondent COLLATE \"C\", answer)) FROM easq.answer";
my $answers = "SELECT md5(string_agg(concat_ws(' ', user_id, (answer = 'satisfied')::int), ',' ORDER BY user_id::text COLLATE \"C\", answer = 'satisfied')) FROM q";
is($node->safe_psql('postgres', $remembered), $node->safe_psql('postgres', $answers), 'and the memory is the table');
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal|TRAP/, 'nothing crashed');

$node->stop;
done_testing();
