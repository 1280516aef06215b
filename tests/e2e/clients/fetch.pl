# fetch.pl HOST: prints what http://HOST/hello answers.
use strict;
use warnings;
use IO::Socket::INET;

my $host = shift;
my $socket = IO::Socket::INET->new(PeerAddr => $host, PeerPort => 80, Proto => 'tcp')
	or die "connect: $@\n";
print $socket "GET /hello HTTP/1.0\r\nHost: $host\r\n\r\n";
print while <$socket>;
