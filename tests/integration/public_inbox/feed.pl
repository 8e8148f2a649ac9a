# Adds mails to an inbox in the order given, as public-inbox-mda would one by one, but in one process.
use strict;
use warnings;
use PublicInbox::Config;
use PublicInbox::Eml;
use PublicInbox::InboxWritable;

my ($name, @files) = @ARGV;
my $inbox = PublicInbox::Config->new->lookup_name($name) // die "there is no inbox $name\n";
my $sequential = 0; # parallel shards are processes that wait for each other's ends of a pipe
my $importer = PublicInbox::InboxWritable->new($inbox)->importer($sequential);
for my $file (@files) {
	open my $handle, '<:raw', $file or die "$file: $!\n";
	my $raw = do { local $/; <$handle> };
	$importer->add(PublicInbox::Eml->new(\$raw)); # which leaves out a mail that is there already
}
$importer->done;
