#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# For scenarios-registries.sh, on a host without a network: names-and-proxy.pl dns|proxy ADDRESS
#   dns     good.test is 10.77.0.1, bad.test and whatever ends in docker.io or docker.com 10.77.0.2
#   proxy   lets through to good.test and 10.77.0.1, and refuses the rest; what it was asked for goes to standard output
use strict;
use warnings;
use IO::Socket::INET;

my ($what, $address) = @ARGV;
$| = 1;

sub dns {
	my $s = IO::Socket::INET->new(Proto => 'udp', LocalAddr => $address, LocalPort => 53) or die "bind: $!";
	while (1) {
		my $peer = $s->recv(my $q, 512) or next;
		my ($at, $name) = (12, '');
		while (my $n = ord substr $q, $at, 1) {
			$name .= substr($q, $at + 1, $n) . '.';
			$at += $n + 1;
		}
		my $type = unpack 'n', substr $q, $at + 1, 2;
		my %at = ('good.test.' => "\x0a\x4d\0\1", 'bad.test.' => "\x0a\x4d\0\2");
		my $ip = $name =~ /docker\.(io|com)\.$/ ? $at{'bad.test.'} : $at{lc $name};
		my $question = substr $q, 12, $at + 5 - 12;
		my $a = defined $ip && $type == 1 ? "\xc0\x0c" . pack('nnNn', 1, 1, 5, 4) . $ip : '';
		$s->send(substr($q, 0, 2) . pack('nnnnn', defined $ip ? 0x8580 : 0x8583, 1, $a ? 1 : 0, 0, 0) . $question . $a,
			0, $peer);
	}
}

sub line { # byte by byte: what follows goes on as it comes
	my ($fh, $line, $byte) = (shift, '');
	$line .= $byte while $line !~ /\n$/ && sysread $fh, $byte, 1;
	return $line;
}

sub proxy {
	my $s = IO::Socket::INET->new(LocalAddr => $address, LocalPort => 3128, Listen => 20, ReuseAddr => 1) or die "bind: $!";
	$SIG{CHLD} = 'IGNORE';
	while (my $c = $s->accept) {
		next if fork;
		my $line = line($c);
		my ($host, $port) = $line =~ m{^\w+ (?:http://)?([^/:\s]+):?(\d*)};
		print "$line";
		# One request a connection, and only registries in plain HTTP behind it.
		if (($host // '') !~ /^(good\.test|10\.77\.0\.1)$/) {
			syswrite $c, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
			exit;
		}
		my $u = IO::Socket::INET->new(PeerAddr => '10.77.0.1', PeerPort => $port || 80) or exit;
		if ($line =~ /^CONNECT/) {
			1 while line($c) =~ /[^\r\n]/;
			syswrite $c, "HTTP/1.1 200 OK\r\n\r\n";
		} else {
			syswrite $u, "${line}Connection: close\r\n";
		}
		if (!fork) {
			while (sysread $c, my $d, 65536) { syswrite $u, $d; }
			exit;
		}
		while (sysread $u, my $d, 65536) { syswrite $c, $d; }
		exit;
	}
}

$what eq 'dns' ? dns() : proxy();
