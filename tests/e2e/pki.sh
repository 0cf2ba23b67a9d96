#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Make a throw-away PKI: pki.sh DIRECTORY
#
#   ca.pem                 the CA of everybody below, and crl.pem its list
#   server.pem, .key       Ed25519; localhost, 127.0.0.1, ::1, and the SRV-ID
#                          _cpnps.provider.example; the identity is
#                          provider.example
#   server-p256.*          the same with ECDSA P-256, without the SRV-ID
#   server-srv.*           Ed25519; node7.example, and the SRV-ID
#                          _cpnps.service.example
#   server-uri.*           Ed25519; the URI urn:provider and no host
#   alpha.*, beta.*, gamma.*   Ed25519; alpha.example at 127.0.0.2,
#                          beta.example at 127.0.0.3, gamma.example at 127.0.0.4
#   client.*               Ed25519, customer.example
#   client-p256.*          P-256, other.example
#   client-mail.*          Ed25519, an rfc822Name only
#   client-rsa.*           RSA 2048, rsa.example
#   expired.*              a client whose time is over
#   revoked.*              a client whose serial is in crl-revoked.pem
#   nameless.*             a client without subjectAltName
#   other-ca.pem           a CA that nobody trusts
#   stranger.*             a client of that CA, customer.example too
#   impostor.*             a server of that CA, provider.example too
set -e
umask 077
if [ $# -ne 1 ]; then
	echo "usage: pki.sh DIRECTORY" >&2
	exit 2
fi
mkdir -p "$1"
cd "$1"
exec >/dev/null

key() { # NAME ed25519|p256|rsa
	case $2 in
	ed25519) openssl genpkey -algorithm ED25519 -out "$1.key" ;;
	p256) openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
		-out "$1.key" ;;
	rsa) openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 \
		-out "$1.key" 2>/dev/null ;;
	esac
}

authority() { # NAME
	key "$1" ed25519
	mkdir -p "$1.d"
	: >"$1.d/index"
	echo 1000 >"$1.d/serial"
	echo 01 >"$1.d/crlnumber"
	cat >"$1.cnf" <<-CNF
		[req]
		distinguished_name = dn
		[dn]
		[ca]
		default_ca = this
		[this]
		database = $1.d/index
		serial = $1.d/serial
		crlnumber = $1.d/crlnumber
		new_certs_dir = $1.d
		certificate = $1.pem
		private_key = $1.key
		default_md = default
		policy = any
		unique_subject = no
		[any]
		commonName = supplied
		[root]
		basicConstraints = critical,CA:true
		keyUsage = critical,keyCertSign,cRLSign
		subjectKeyIdentifier = hash
	CNF
	openssl req -x509 -new -config "$1.cnf" -extensions root -key "$1.key" \
		-subj "/CN=throw-away $1" -days 30 -out "$1.pem"
}

issue() { # CA NAME ALGORITHM serverAuth|clientAuth SAN [ca options]
	ca=$1 name=$2 usage=$4 san=$5
	key "$name" "$3"
	shift 5
	{
		echo "basicConstraints = critical,CA:false"
		echo "keyUsage = critical,digitalSignature"
		echo "extendedKeyUsage = $usage"
		echo "authorityKeyIdentifier = keyid"
		[ -z "$san" ] || echo "subjectAltName = $san"
	} >"$name.ext"
	openssl req -new -config "$ca.cnf" -key "$name.key" \
		-subj "/CN=$name" -out "$name.csr"
	[ $# -ne 0 ] || set -- -days 30
	openssl ca -batch -notext -config "$ca.cnf" -extfile "$name.ext" \
		-in "$name.csr" -out "$name.pem" "$@" 2>ca.log || {
		cat ca.log >&2
		exit 1
	}
	rm -f "$name.csr" "$name.ext"
}

hosts=DNS:provider.example,DNS:localhost,IP:127.0.0.1,IP:::1
srv='otherName:1.3.6.1.5.5.7.8.7;IA5STRING:_cpnps.provider.example'

authority ca
authority other-ca
issue ca server ed25519 serverAuth,clientAuth "$hosts,$srv"
issue ca server-p256 p256 serverAuth,clientAuth "$hosts"
issue ca server-srv ed25519 serverAuth,clientAuth \
	"DNS:node7.example,${srv%_*}_cpnps.service.example"
issue ca server-uri ed25519 serverAuth URI:urn:provider
at=2
for name in alpha beta gamma; do
	issue ca $name ed25519 serverAuth,clientAuth \
		"DNS:$name.example,IP:127.0.0.$at"
	at=$((at + 1))
done
issue ca client ed25519 clientAuth DNS:customer.example
issue ca client-p256 p256 clientAuth DNS:other.example
issue ca client-mail ed25519 clientAuth email:buyer@customer.example
issue ca client-rsa rsa clientAuth DNS:rsa.example
issue ca nameless ed25519 clientAuth ""
issue ca revoked ed25519 clientAuth DNS:revoked.example
issue ca expired ed25519 clientAuth DNS:expired.example \
	-startdate 20200101000000Z -enddate 20200201000000Z
issue other-ca stranger ed25519 clientAuth DNS:customer.example
issue other-ca impostor ed25519 serverAuth "$hosts,$srv"

openssl ca -config ca.cnf -gencrl -crldays 30 -out crl.pem 2>/dev/null
openssl ca -config ca.cnf -revoke revoked.pem 2>/dev/null
openssl ca -config ca.cnf -gencrl -crldays 30 -out crl-revoked.pem 2>/dev/null
