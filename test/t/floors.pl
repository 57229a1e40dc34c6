# The floors of docs/architecture.md: what a file includes and calls lies below it, and within a folder no calls run in a circle.
use strict;
use warnings;
use FindBin;
use Test::More;

my $src = "$FindBin::Bin/../../src";
my %floor = (core => 1, feature => 2, store => 3, query => 4, learn => 5, train => 6, transfer => 6, sql => 7, easq => 8);

# "learn" of learn/judge.c
sub folder
{
	my ($file) = @_;
	return $file =~ m{^(\w+)} ? $1 : '';
}

sub is_below
{
	my ($used, $user) = map { folder($_) } @_;
	return $used eq $user || $floor{$used} < $floor{$user};
}

my (@homeless, @upward, @foreign, @versions);
for my $path (sort glob "$src/*.[ch] $src/*/*.[ch]")
{
	my ($file) = $path =~ m{^\Q$src\E/(.+)$};
	next if $file eq 'compat.h';
	push @homeless, $file unless $floor{ folder($file) };
	open my $text, '<', $path or die "$path: $!";
	while (<$text>)
	{
		push @versions, "$file: $_" if /PG_VERSION_NUM/;
		my ($used) = /^\s*#\s*include\s+"([^"]+)"/ or next;
		if (!-e "$src/$used") { push @foreign, "$file: $used" if folder($file) eq 'core' }
		elsif ($used ne 'compat.h' ? !is_below($used, $file) : folder($file) eq 'core') { push @upward, "$file: $used" }
	}
}
is_deeply(\@homeless, [], 'every folder has a floor');
is_deeply(\@upward, [], 'no include runs up');
is_deeply(\@foreign, [], 'core is plain C');
is_deeply(\@versions, [], 'versions of PostgreSQL differ in compat.h alone');

# Who calls whom, by the objects that the extension was linked from.
SKIP:
{
	my @objects = sort glob "$src/*.o $src/*/*.o";
	skip 'no objects here, or no nm', 2 unless @objects and `nm -P @objects 2>&1` and $? == 0;

	my (%defined, %wanted, %calls, @calls_up);
	for my $object (@objects)
	{
		my ($file) = $object =~ m{^\Q$src\E/(.+)\.o$};
		for (`nm -P $object`)
		{
			my ($name, $kind) = split;
			if ($kind eq 'U') { $wanted{$file}{$name} = 1 }
			elsif ($kind =~ /[A-TV-Z]/) { $defined{$name} = $file }
		}
	}
	for my $file (sort keys %wanted)
	{
		for my $used (grep { defined and $_ ne $file } @defined{ sort keys %{ $wanted{$file} } })
		{
			$calls{$file}{$used} = 1;
			push @calls_up, "$file: $used" unless is_below($used, $file);
		}
	}
	is_deeply(\@calls_up, [], 'no call runs up');

	# Those who call nothing that is left go, until the rest call each other.
	my %left = %calls;
	my $before;
	do
	{
		$before = keys %left;
		for my $file (keys %left)
		{
			delete $left{$file} unless grep { $left{$_} } keys %{ $left{$file} };
		}
	} while (keys %left < $before);
	# And likewise those whom nobody of them calls.
	do
	{
		$before = keys %left;
		my %called = map { %{ $left{$_} } } keys %left;
		delete @left{ grep { !$called{$_} } keys %left };
	} while (keys %left < $before);
	is_deeply([ sort keys %left ], [], 'no file is in a circle');
}

done_testing();
