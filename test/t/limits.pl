# Inputs at the ends of what is allowed: what they cost, and what is said of them.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use EasqTest;

my $node = start_server('limits');

# A share of groups that no number of groups meets.
one_feature($node, 'postgres', 'm');
$node->safe_psql('postgres', 'CREATE TABLE v AS SELECT u AS user_id, i AS x, (u + i) % 3 = 0 AS clicked FROM generate_series(1, 20) u, generate_series(1, 6) i');
for my $case ([ '1e-9', '8000000000' ], [ '1e-300', '1000000000000000000' ], [ '0.02', '400' ])
{
	my ($share, $groups) = @$case;
	my $stderr = '';

	$node->psql('postgres', qq{SELECT easq_train('m', 'SELECT * FROM v', 'clicked', 'user_id', options => '{"epochs": 1, "held_share": $share}')},
		stderr => \$stderr, on_error_stop => 0);
	like($stderr, qr/It needs \Q$groups\E of them/, "a held_share of $share needs $groups groups");
}

# A training says what needs no model, and that it is better.
{
	my $stderr = '';

	$node->safe_psql('postgres', 'CREATE TABLE w AS SELECT u AS user_id, i AS x, (u * 7 + i * i) % 10 < i AS clicked FROM generate_series(1, 60) u, generate_series(1, 10) i');
	$node->psql('postgres', q{SELECT easq_train('m', 'SELECT * FROM w', 'clicked', 'user_id', options => '{"epochs": 1, "held_share": 0.1, "learning_rate": 1e-9, "factor_rate": 1e-9}')},
		stderr => \$stderr, on_error_stop => 0);
	like($stderr, qr/held pairs in the right order: model 0\.\d{4}, best single feature "x" 0\.\d{4}\n.*HINT:  A GROUP BY orders rows better/, 'the single feature is named, and that it is better');
}

# A file that is all header costs its own bytes: peak memory of the backend, in kB, before and after it is refused.
SKIP:
{
	skip 'no /proc to read a peak from', 2 unless -r '/proc/self/status';

	$node->safe_psql('postgres', q{
		CREATE TABLE file AS SELECT decode(string_agg(lpad(to_hex((length(h) >> (8 * i)) & 255), 2, '0'), '' ORDER BY i), 'hex') || convert_to(h, 'UTF8') AS bytes
		FROM (SELECT '{' || string_agg(format('"t%s":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}', i), ',') || '}' FROM generate_series(1, 400000) i) t (h),
			LATERAL (SELECT CASE WHEN i > 3 THEN 0 ELSE i END AS byte, i FROM generate_series(0, 3) i) b GROUP BY h;
		UPDATE file SET bytes = substr(bytes, 1, 4) || '\x00000000' || substr(bytes, 5);
		CREATE FUNCTION peak() RETURNS bigint LANGUAGE sql AS
		$$ SELECT substring(pg_read_file('/proc/' || pg_backend_pid() || '/status', 0, 100000) FROM 'VmHWM:\s+(\d+)')::bigint $$;
		CREATE FUNCTION refused() RETURNS text LANGUAGE plpgsql AS
		$$ BEGIN PERFORM easq_import('m', bytes) FROM file; RETURN 'imported'; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $$;
	});
	my ($bytes, $state, $kb) = split /\|/, $node->safe_psql('postgres', q{
		SELECT easq_export('m') \g /dev/null
		SELECT peak() AS before, length(bytes) AS bytes FROM file \gset
		SELECT refused() AS state \gset
		SELECT :bytes, :'state', peak() - :before;
	});
	is($state, '54000', "a header of $bytes bytes is refused");
	cmp_ok($kb, '<', 4 * $bytes / 1024, 'its peak of memory is that of the bytes');
}

$node->stop;
done_testing();
