# What the TAP tests share: a server with easq in it, SQLSTATEs, safetensors files.
package EasqTest;

use strict;
use warnings;
use Exporter 'import';
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(start_server new_database fails_with refused refusals hex_literal unhex parse_safetensors
  write_safetensors write_parsed rows_of one_feature poll);

# A model of one numeric feature x, small and quick.
our $options = '{"hidden": 8, "expert_hidden": 4, "learning_rate": 0.01, "warm_up": 0}';
our $x = '[{"name": "x", "kind": "numeric"}]';

sub start_server
{
	my ($name, %param) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(%{ $param{init} // {} });
	$node->append_conf('postgresql.conf', $param{conf}) if $param{conf};
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION easq');
	return $node;
}

sub new_database
{
	my ($node, $name) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->safe_psql($name, 'CREATE EXTENSION easq');
	return $name;
}

# Model $name of feature x in $database, and a table $table that teaches it.
sub one_feature
{
	my ($node, $database, $name, $table) = @_;

	$node->safe_psql($database, "SELECT easq_create_model('$name', '$x', '$options')");
	$node->safe_psql($database,
		"CREATE TABLE $table (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int, x float8, answer text);
		 SELECT easq_learn('$name', '$table')") if $table;
}

# For each of some statements (in one session): "" where it succeeds, else "SQLSTATE message".
sub refusals
{
	my ($node, $database, @sql) = @_;
	my ($stdout, $stderr) = ('', '');
	my $script = join '', map { s/[\s;]*$/;/r . "\n\\if :ERROR\n\\echo ~~:SQLSTATE :LAST_ERROR_MESSAGE\n\\else\n\\echo ~~\n\\endif\n" } @sql;

	$node->psql($database, $script, stdout => \$stdout, stderr => \$stderr, on_error_stop => 0);
	return $stdout =~ /^~~(.*)$/mg;
}

sub refused { return (refusals(@_))[0] // 'the session ended'; }

sub fails_with
{
	my ($node, $database, $sql, $expected, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	return like(refused($node, $database, $sql), ref $expected ? $expected : qr/^\Q$expected\E/, $name);
}

# Rows of a query as references to arrays of text.
sub rows_of
{
	my ($node, $database, $sql) = @_;

	return map { [ split /\|/, $_, -1 ] } split /\n/, $node->safe_psql($database, $sql);
}

# Until the query answers t; never a sleep that hopes.
sub poll
{
	my ($node, $database, $sql) = @_;

	return $node->poll_query_until($database, $sql) || die "gave up waiting for: $sql";
}

sub hex_literal { return "'\\x" . unpack('H*', $_[0]) . "'::bytea"; }
sub unhex { return pack('H*', $_[0] =~ s/^\\x//r); }

# { name => { shape => [...], data => [...] } } and the metadata
sub parse_safetensors
{
	my ($bytes) = @_;
	my $length = unpack('Q<', $bytes);
	my $header = decode_json(substr($bytes, 8, $length));
	my $metadata = delete $header->{__metadata__} // {};
	my %tensor;

	for my $name (keys %$header)
	{
		my ($begin, $end) = @{ $header->{$name}{data_offsets} };
		$tensor{$name} = {
			shape => $header->{$name}{shape},
			data => [ unpack('f<*', substr($bytes, 8 + $length + $begin, $end - $begin)) ]
		};
	}
	return (\%tensor, $metadata);
}

# A header (text, or what becomes JSON) and data.
sub write_safetensors
{
	my ($header, $data) = @_;
	my $text = ref $header ? encode_json($header) : $header;

	return pack('Q<', length $text) . $text . $data;
}

1;
