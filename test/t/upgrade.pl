# An upgraded extension is what a fresh one is: every version that has a script is installed, used, upgraded and compared.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use EasqTest;

chomp(my $share = qx(pg_config --sharedir));
my $scripts = "$share/extension";
my ($version) = slurp_file("$scripts/easq.control") =~ /^default_version\s*=\s*'([^']+)'/m;
my $current = slurp_file("$scripts/easq--$version.sql");
my $node = start_server('upgrade');

# All that the script can make, a line each; nothing in it depends on OIDs or on the order of making.
my $described = <<'SQL';
CREATE VIEW described AS
WITH member AS (
	SELECT d.classid, d.objid, pg_describe_object(d.classid, d.objid, 0) AS name
	FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid AND d.refclassid = 'pg_extension'::regclass
	WHERE e.extname = 'easq' AND d.deptype = 'e'),
relation AS (SELECT m.name AS member, c.* FROM member m JOIN pg_class c ON c.oid = m.objid AND m.classid = 'pg_class'::regclass)
SELECT format('%s: comment %s, rights at first %s', name, obj_description(objid, classid::regclass::name),
	(SELECT string_agg(p.initprivs::text, ' ') FROM pg_init_privs p WHERE p.objoid = m.objid AND p.classoid = m.classid AND p.objsubid = 0)) AS line
FROM member m
UNION ALL SELECT format('%s: kind %s, rights %s, options %s, row security %s %s, replica identity %s, persistence %s, definition %s', member, relkind, relacl,
	reloptions, relrowsecurity, relforcerowsecurity, relreplident, relpersistence, CASE WHEN relkind = 'v' THEN pg_get_viewdef(oid) END) FROM relation
UNION ALL SELECT format('%s: column %s %s %s, not null %s, default %s, identity %s, generated %s, storage %s, rights %s, comment %s', member, a.attnum, a.attname,
	format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated, a.attstorage, a.attacl,
	col_description(a.attrelid, a.attnum))
FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
UNION ALL SELECT format('%s: index %s, identity %s', member, pg_get_indexdef(indexrelid), indisreplident) FROM relation r JOIN pg_index i ON i.indrelid = r.oid
UNION ALL SELECT format('%s: constraint %s %s', member, conname, pg_get_constraintdef(k.oid)) FROM relation r JOIN pg_constraint k ON k.conrelid = r.oid
UNION ALL SELECT format('%s: trigger %s, enabled %s', member, pg_get_triggerdef(t.oid), tgenabled) FROM relation r JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT tgisinternal
UNION ALL SELECT format('%s: policy %s %s %s %s', member, polname, polcmd, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
FROM relation r JOIN pg_policy p ON p.polrelid = r.oid
UNION ALL SELECT format('%s: sequence %s', member, (SELECT s FROM (SELECT seqstart, seqincrement, seqmin, seqmax, seqcache, seqcycle) s))
FROM relation r JOIN pg_sequence q ON q.seqrelid = r.oid
UNION ALL SELECT format('%s: rights %s, %s', m.name, p.proacl, CASE WHEN p.prokind = 'a' THEN (SELECT format('%s %s %s %s %s %s %s', aggtransfn, aggfinalfn,
	aggcombinefn, aggserialfn, aggdeserialfn, aggtranstype::regtype, agginitval) FROM pg_aggregate g WHERE g.aggfnoid = p.oid) ELSE pg_get_functiondef(p.oid) END)
FROM member m JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
UNION ALL SELECT format('%s: length %s, by value %s, alignment %s, storage %s, in %s, out %s, rights %s', m.name, typlen, typbyval, typalign, typstorage, typinput, typoutput, typacl)
FROM member m JOIN pg_type t ON t.oid = m.objid AND m.classid = 'pg_type'::regclass
UNION ALL SELECT format('dumped: %s %s', c.table_name, c.condition)
FROM pg_extension e, LATERAL (SELECT unnest(extconfig)::regclass::text, unnest(extcondition)) c (table_name, condition) WHERE e.extname = 'easq';
SQL

sub lines_of
{
	my ($database) = @_;

	return $node->safe_psql($database, 'SELECT replace(line, chr(10), chr(32)) FROM described ORDER BY line COLLATE "C"');
}

# What is in one of two descriptions only.
sub difference
{
	my ($one, $other) = @_;
	my (%count, @line);

	$count{$_}++ for split /\n/, $one;
	$count{$_}-- for split /\n/, $other;
	@line = map { ($count{$_} > 0 ? '+ ' : '- ') . $_ } grep { $count{$_} } sort keys %count;
	return join "\n", @line;
}

sub database_at
{
	my ($name, $at) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->safe_psql($name, "CREATE EXTENSION easq VERSION '$at'");
	$node->safe_psql($name, $described);
}

# A pair of scripts beside those that are shipped: a version, and the way from it to this one.
sub pretend
{
	my ($from, $script, $upgrade) = @_;

	append_to_file("$scripts/easq--$from.sql", $script);
	append_to_file("$scripts/easq--$from--$version.sql", $upgrade);
}

END { unlink glob "$scripts/easq--*pretended*.sql" if $scripts; }

$node->safe_psql('postgres', $described);
my $fresh = lines_of('postgres');
cmp_ok(scalar(split /\n/, $fresh), '>', 200, 'a fresh install is described');

# The description would notice each of these.
for my $change (
	'ALTER TABLE easq.step ADD COLUMN note text',
	'ALTER TABLE easq.step ALTER COLUMN reason SET DEFAULT 1',
	'ALTER TABLE easq.step ALTER COLUMN reason SET STORAGE PLAIN',
	'ALTER TABLE easq.answer ADD CHECK (weight > 0)',
	'CREATE INDEX ON easq.answer (weight)',
	'ALTER TABLE easq.answer REPLICA IDENTITY FULL',
	'ALTER TABLE easq.answer SET (fillfactor = 50)',
	'ALTER TABLE easq.questionnaire ENABLE ROW LEVEL SECURITY',
	'ALTER TABLE easq.questionnaire DISABLE TRIGGER USER',
	'GRANT SELECT ON easq.answer TO PUBLIC',
	'GRANT SELECT (model) ON easq.queued TO PUBLIC',
	"COMMENT ON TABLE easq.step IS 'other words'",
	"COMMENT ON COLUMN easq.step.reason IS 'other words'",
	"COMMENT ON FUNCTION easq_drop_model IS 'other words'",
	'CREATE OR REPLACE VIEW easq.models AS SELECT * FROM (' . $node->safe_psql('postgres', "SELECT rtrim(pg_get_viewdef('easq.models'), ';')") . ') m LIMIT 1',
	'ALTER FUNCTION easq_drop_model PARALLEL SAFE',
	'ALTER FUNCTION easq_drop_model SET search_path = pg_catalog',
	'GRANT EXECUTE ON FUNCTION easq_drop_model TO PUBLIC',
	'ALTER EXTENSION easq DROP VIEW easq.steps',
	"UPDATE pg_extension SET extcondition[1] = 'WHERE false' WHERE extname = 'easq'")
{
	my $seen = $node->safe_psql('postgres', qq{
		BEGIN;
		CREATE TEMP TABLE before AS SELECT line FROM described;
		$change;
		SELECT count(*) > 0 FROM ((TABLE before EXCEPT ALL TABLE described) UNION ALL (TABLE described EXCEPT ALL TABLE before)) d;
		ROLLBACK;});
	is($seen, 't', "noticed: " . substr($change, 0, 60));
}

# Two pretended versions, so that the comparison is exercised before there is a second real one.
pretend('pretended_good', "$current\nCREATE TABLE easq.outlived (a int);\n", "DROP TABLE easq.outlived;\n");
pretend('pretended_bad', "$current\nCREATE TABLE easq.outlived (a int);\n", "SELECT 1;\n");

my %expected = (pretended_bad => qr/outlived/);
my @versions = grep { $_ ne $version } split /\n/,
  $node->safe_psql('postgres', "SELECT DISTINCT version FROM pg_available_extension_versions WHERE name = 'easq' ORDER BY 1");
cmp_ok(scalar @versions, '>=', 2, 'there are versions to upgrade from');

for my $from (@versions)
{
	my $database = 'from_' . ($from =~ s/\W/_/gr);

	is($node->safe_psql('postgres', "SELECT path IS NOT NULL FROM pg_extension_update_paths('easq') WHERE source = '$from' AND target = '$version'"),
		't', "$from: there is a way to $version");
	database_at($database, $from);
	one_feature($node, $database, 'm', 'seen');
	$node->safe_psql($database, "INSERT INTO seen (user_id, x, answer) SELECT i % 3, i, CASE WHEN i % 2 = 0 THEN 'satisfied' ELSE 'dissatisfied' END FROM generate_series(1, 8) i");
	my $scores = $node->safe_psql($database, "SELECT easq_score('m', s) FROM seen s ORDER BY id");
	$node->safe_psql($database, 'ALTER EXTENSION easq UPDATE');
	if ($expected{$from})
	{
		like(difference(lines_of($database), $fresh), $expected{$from}, "$from: an upgrade script that forgets something is found");
		next;
	}
	is(difference(lines_of($database), $fresh), '', "$from: upgraded is as fresh");
	is($node->safe_psql($database, "SELECT easq_score('m', s) FROM seen s ORDER BY id"), $scores, "$from: its models score as they did");
	$node->safe_psql($database, "INSERT INTO seen (user_id, x, answer) VALUES (1, 3, 'satisfied')");
	is($node->safe_psql($database, "SELECT status FROM easq.steps ORDER BY id DESC LIMIT 1"), 'applied', "$from: and go on learning");
}

done_testing();
