# The factorisation beside the main pathway: the golden cases of test/golden/factor through SQL (import, score,
# easq_train, export), and that tables of factors come along wherever a model goes.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;
use EasqTest;

my $node = start_server('factor');
my $golden = "$FindBin::Bin/../golden/factor";
my @cases = sort map { s{.*/([^/]+)/case\.json$}{$1}r } glob "$golden/*/case.json";

is(scalar(@cases), 3, 'there are golden cases');

sub tensors { return (parse_safetensors(unhex($node->safe_psql('postgres', "SELECT easq_export('$_[0]')"))))[0]; }

# Scores of the case's rows in three forms and by the other pathway.
sub scores_of
{
	my ($model, $case) = @_;

	return rows_of($node, 'postgres', "SELECT easq_score('$model', c), easq_batch_score('$model', c) OVER (ORDER BY i),
		easq_batch_score('$model', c) OVER (), easq_satisfaction('$model', c)
		FROM (SELECT row_number() OVER () AS i, q.* FROM ($case->{query}) q) c ORDER BY i");
}

sub worst
{
	my ($got, $expected, $relative, $absolute) = @_;
	my $worst = 0;

	for my $i (0 .. $#$expected)
	{
		my $distance = abs($got->[$i] - $expected->[$i]) / ($relative * abs($expected->[$i]) + $absolute);
		$worst = $distance if !($distance <= $worst);
	}
	return $worst;
}

sub check_scores
{
	my ($name, $case, $when) = @_;
	my @rows = scores_of($name, $case);

	for my $form (0 .. 3)
	{
		my $expected = $case->{$when}{ $form < 3 ? 'score' : 'satisfaction' };
		cmp_ok(worst([ map { $_->[$form] } @rows ], $expected, 1e-5, 1e-6), '<=', 1, "$name: scores $when training, form $form");
	}
}

for my $name (@cases)
{
	my $case = decode_json(slurp_file("$golden/$name/case.json"));
	my $file = slurp_file("$golden/$name/before.safetensors");
	my $options = encode_json($case->{options});
	my $rate = $case->{options}{factor_rate} // 0.01;

	$node->safe_psql('postgres', "SELECT easq_import('$name', " . hex_literal($file) . ')');
	is_deeply(tensors($name), (parse_safetensors($file))[0], "$name: what was imported is exported, to the bit");
	check_scores($name, $case, 'before');
	# without pairs of equal gradients on logits nothing shifts the bias
	$node->safe_psql('postgres', "SET client_min_messages = error;
		SELECT easq_train('$name', \$\$$case->{query}\$\$, 'chosen', 'grp', options => '$options')");
	my ($got, $expected) = (tensors($name), (parse_safetensors(slurp_file("$golden/$name/after.safetensors")))[0]);
	is_deeply([ sort keys %$got ], [ sort keys %$expected ], "$name: the reference's tensors");
	for my $tensor (sort keys %$expected)
	{
		# on logits training centres the pathways, which no difference of logits shows
		next if $name eq 'logit' && $tensor =~ /out\.bias$/;
		cmp_ok(worst($got->{$tensor}{data}, $expected->{$tensor}{data}, 1e-4, 0.02 * $rate), '<=', 1, "$name: $tensor after training");
	}
	check_scores($name, $case, 'after') if $name ne 'logit';
}

# wherever a model goes: a dump, a checkpoint, a copy
{
	my $case = decode_json(slurp_file("$golden/score/case.json"));
	my @before = scores_of('score', $case);
	my $database = $node->safe_psql('postgres', "SELECT easq_checkpoint('score', 'c')");
	my $dump = "$PostgreSQL::Test::Utils::tmp_check/factor.sql";

	$node->safe_psql('postgres', "SET client_min_messages = error;
		SELECT easq_train('score', \$\$$case->{query}\$\$, 'chosen', 'grp', options => '{\"held_share\": 0}')");
	isnt(join(' ', map { "@$_" } scores_of('score', $case)), join(' ', map { "@$_" } @before), 'training moves scores');
	$node->safe_psql('postgres', "SELECT easq_restore('score', 'c')");
	is_deeply([ scores_of('score', $case) ], \@before, 'a checkpoint brings factors back');
	$node->safe_psql('postgres', "SELECT easq_import('copy', easq_export('score'))");
	is_deeply([ scores_of('copy', $case) ], \@before, 'a copy has them');
	$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'pg_dump');
	$node->safe_psql('postgres', 'CREATE DATABASE restored');
	$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('restored') ], 'restored');
	is($node->safe_psql('restored', "SELECT easq_export('score')"), $node->safe_psql('postgres', "SELECT easq_export('score')"),
		'a dump has them, to the bit');
}

$node->stop;
done_testing();
