# The golden cases of test/golden, through SQL: import, score, three steps of easq_align, export.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;
use EasqTest;

my $node = start_server('golden');
my $golden = "$FindBin::Bin/../golden";
my @cases = sort map { s{.*/([^/]+)/case\.json$}{$1}r } glob "$golden/*/case.json";
my %largest;

cmp_ok(scalar(@cases), '>=', 8, 'there are golden cases');

sub matrix { return "'{" . join(',', map { '{' . join(',', @$_) . '}' } @{ $_[0] }) . "}'::real[]"; }

# How far both are from each other, as a part of what is allowed; 1 is the limit.
sub distance
{
	my ($got, $expected, $relative, $absolute) = @_;

	return 1e9 if !defined $got || $got !~ /^-?[\d.]+(e[-+]?\d+)?$/;
	return abs($got - $expected) / ($relative * abs($expected) + $absolute);
}

sub close_enough
{
	my ($what, $pairs, $relative, $absolute, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $worst = 0;

	for (@$pairs)
	{
		my $distance = distance(@$_, $relative, $absolute);
		$worst = $distance if $distance > $worst;
	}
	$largest{$what} = $worst if $worst > ($largest{$what} // 0);
	ok(@$pairs > 0 && $worst <= 1, $name)
	  or diag("$worst times what is allowed, in " . scalar(@$pairs) . ' numbers');
}

# Six scores of the main pathway, then two of the other: as numbers of three types, and by the name of the
# row's only feature, among columns that nobody asked for.
sub scores_of
{
	my ($model, $rows, $label) = @_;
	my $values = join ",\n", map { "($_, '{" . join(',', @{ $rows->[$_] }) . "}'::real[])" } 0 .. $#$rows;

	return "SELECT '$label', easq_score('$model', x), easq_score('$model', x::float8[]), easq_score('$model', x::float8[]::numeric[]),
	               easq_score('$model', c), easq_batch_score('$model', c) OVER (ORDER BY i), easq_batch_score('$model', c) OVER (),
	               easq_satisfaction('$model', x), easq_satisfaction('$model', c)
	        FROM (SELECT 'extra'::text AS before, x, i FROM (VALUES $values) v(i, x)) c ORDER BY i;\n";
}

sub check_scores
{
	my ($case, $name, $suffix, $rows) = @_;
	my ($main, $satisfaction) = @$case{ "score$suffix", "satisfaction$suffix" };

	is(scalar(@$rows), scalar(@$main), "$name: every row has scores");
	for my $column (0 .. 7)
	{
		my $expected = $column < 6 ? $main : $satisfaction;
		close_enough('scores', [ map { [ $rows->[$_][$column], $expected->[$_] ] } 0 .. $#$rows ], 1e-5, 1e-6,
			"$name: scores$suffix, form $column");
	}
}

for my $name (@cases)
{
	my $case = decode_json(slurp_file("$golden/$name/case.json"));
	my ($shape, $hyper) = @$case{qw(shape hyper)};
	my $options = encode_json({
		hidden => $shape->{d}, expert_hidden => $shape->{m}, rank => $shape->{r},
		experts => $shape->{experts}[0], satisfaction_experts => $shape->{experts}[1], seed => 42, %$hyper });
	my $features = encode_json([ { name => 'x', kind => 'vector', dim => $shape->{k} } ]);
	my $file = slurp_file("$golden/$name/before.safetensors");
	my $pairs = join ', ', map { matrix($_) } @{ $case->{survey} }, @{ $case->{behaviour} };
	my $align = "SELECT 'metrics', to_json(m) FROM easq_align('$name', $pairs) m;\n";
	my $export = "SELECT 'export', easq_export('$name');\n";
	my %printed;

	for (rows_of($node, 'postgres',
		"SELECT easq_create_model('$name', '$features', '$options');\nSELECT easq_import('$name', " . hex_literal($file) . ");\n"
		. $export . scores_of($name, $case->{rows}, 'before') . $align x 3 . $export . scores_of($name, $case->{rows}, 'after')
		. "SELECT 'log', count(*), bool_and(pairs = 3 AND behaviour_pairs = 5 AND status = 'applied') FROM easq.steps WHERE model = '$name'"))
	{
		my ($label, @values) = @$_;
		push @{ $printed{$label} }, \@values if defined $label;
	}

	my ($before) = parse_safetensors($file);
	my ($after) = parse_safetensors(slurp_file("$golden/$name/after.safetensors"));
	my ($imported, $learned) = map { (parse_safetensors(unhex($_->[0])))[0] } @{ $printed{export} };

	is_deeply($imported, $before, "$name: what was imported is exported, to the bit");
	check_scores($case, $name, '', $printed{before});
	for my $step (0 .. 2)
	{
		my $expected = $case->{steps}[$step];
		my $got = decode_json($printed{metrics}[$step][0]);

		is_deeply([ sort keys %$got ], [ sort keys %$expected ], "$name: step $step has the reference's metrics");
		close_enough('metrics', [ map { [ $got->{$_}, $expected->{$_} ] } sort keys %$expected ], 1e-4, 1e-4,
			"$name: metrics of step $step");
	}

	my $shapes = sub { return { map { $_ => $_[0]{$_}{shape} } keys %{ $_[0] } } };
	is_deeply($shapes->($learned), $shapes->($after), "$name: the reference's tensors");
	for my $tensor (sort keys %$after)
	{
		my ($got, $expected) = ($learned->{$tensor}{data}, $after->{$tensor}{data});
		next if @$expected == 0;
		close_enough('weights', [ map { [ $got->[$_], $expected->[$_] ] } 0 .. $#$expected ], 1e-4,
			0.05 * $hyper->{learning_rate}, "$name: $tensor after three steps");
	}
	is_deeply([ @$learned{ grep { /^backbone/ } sort keys %$learned } ], [ @$before{ grep { /^backbone/ } sort keys %$before } ],
		"$name: the backbone stays as it was");
	check_scores($case, $name, '_after', $printed{after});
	is_deeply($printed{log}, [ [ 3, 't' ] ], "$name: the steps are recorded");
}

note sprintf('%s: the largest difference is %.2g of what is allowed', $_, $largest{$_}) for sort keys %largest;
$node->stop;
done_testing();
