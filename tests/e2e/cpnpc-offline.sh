#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What cpnpc does without a provider: templates, validation, decoding, its
# exit codes, and that --json is JSON whatever happens.  Run in the build
# directory; srcdir names the source.
set -u
top=$(cd "${srcdir:-.}" && pwd)
cpnpc=$(pwd)/cpnpc/cpnpc
work=$(mktemp -d "${TMPDIR:-/tmp}/cpnpc-offline.XXXXXX")
trap 'rm -rf "$work"' EXIT
# Nothing of the user who runs the tests is read or written.
export HOME=$work XDG_CONFIG_HOME= XDG_STATE_HOME=
bad=0

result() { # STATUS NAME
	if [ "$1" -eq 0 ]; then
		echo "ok - $2"
	else
		echo "not ok - $2"
		sed 's/^/# /' "$work/out" "$work/err" | tail -20
		bad=1
	fi
}

# exits CODE NAME COMMAND...
exits() {
	local want=$1 name=$2 got
	shift 2
	"$@" >"$work/out" 2>"$work/err" </dev/null
	got=$?
	[ "$got" -eq "$want" ]
	result $? "$name (exit $want, got $got)"
}

# says TEXT NAME: on standard error
says() {
	grep -qF -- "$1" "$work/err"
	result $? "$2: says $1"
}

# json EXPRESSION NAME: the output is one JSON value; without jq only its
# brackets are looked at.
json() {
	if command -v jq >/dev/null; then
		jq -e "$1" "$work/out" >/dev/null 2>>"$work/err"
	else
		head -c 1 "$work/out" | grep -q '{' &&
		    tail -n 1 "$work/out" | grep -q '^}$'
	fi
	result $? "$2: JSON with $1"
}

# -- templates and validation
names=$("$cpnpc" template)
for name in hose interconnect-upgrade pipe three-site-vpn; do
	echo "$names" | grep -qx "$name"
	result $? "template lists $name"
	exits 0 "template $name" "$cpnpc" template "$name"
	cmp -s "$work/out" "$top/schemas/examples/$name.xml"
	result $? "template $name is the example of the schemas"
	cp "$work/out" "$work/$name.xml"
	exits 0 "validate $name" "$cpnpc" validate "$work/$name.xml"
	exits 0 "validate --json" "$cpnpc" validate --json "$work/$name.xml"
	json '.valid == true and .service.type == 0' "validate $name"
done
exits 0 "template --json" "$cpnpc" --json template pipe
json '.exit == 0 and (.xml | startswith("<?xml"))' "template"
exits 2 "template of no name" "$cpnpc" template no-such
says "no such template" "unknown template"

sed 's/ms"/parsec"/' "$work/three-site-vpn.xml" >"$work/bad.xml"
exits 1 "a unit that does not exist" "$cpnpc" validate "$work/bad.xml"
says "$work/bad.xml: line " "the line is named"
exits 1 "the same in JSON" "$cpnpc" validate -j "$work/bad.xml"
json '.error | test("line [0-9]+")' "mistake in a document"
exits 1 "a missing file" "$cpnpc" validate "$work/none.xml"
says "No such file" "missing file"
exits 1 "an empty file" "$cpnpc" validate /dev/null
exits 1 "a directory" "$cpnpc" validate "$work"

# -- decoding
exits 0 "decode hexadecimal" "$cpnpc" decode \
    "$top/tests/vectors/rfc8921-offer.hex"
json '.method == "OFFER" and .attributes.CUSTOMER_ORDER_IDENTIFIER == "order-1"' \
    "decode"
cp "$work/out" "$work/want"
xxd=$(tr -d ' \n' <"$top/tests/vectors/rfc8921-offer.hex" |
    sed 's/../\\x&/g')
printf "$xxd" >"$work/offer.bin"
exits 0 "decode binary" "$cpnpc" decode "$work/offer.bin"
cmp -s "$work/out" "$work/want"
result $? "binary and hexadecimal are the same message"
"$cpnpc" decode <"$work/offer.bin" >"$work/out" 2>"$work/err"
result $? "decode standard input"
cmp -s "$work/out" "$work/want"
result $? "standard input is the same message"
head -c 60 "$work/offer.bin" >"$work/cut.bin"
exits 1 "decode a message that is cut" "$cpnpc" decode "$work/cut.bin"
json '.exit == 1 and .error.code == "TRUNCATED" and .attributes.TRANSACTION_ID != null' \
    "a cut message"
says "$work/cut.bin: " "a cut message"
echo "not a message" >"$work/text"
exits 1 "decode a text" "$cpnpc" decode "$work/text"
says "hexadecimal" "a text"
exits 1 "decode nothing" "$cpnpc" decode /dev/null

# -- the command line
exits 0 "--help" "$cpnpc" --help
exits 0 "--version" "$cpnpc" --version
exits 2 "no verb" "$cpnpc"
exits 2 "no such verb" "$cpnpc" buy
says "no such verb" "unknown verb"
exits 2 "no such option" "$cpnpc" list --frobnicate
exits 2 "an operand is missing" "$cpnpc" order
says "cpnpc order FILE" "missing operand"
exits 2 "an operand too many" "$cpnpc" list all
exits 2 "a bad value" "$cpnpc" list --accept sometimes
says "always, exact, ask or never" "bad value"
exits 2 "an unknown option in JSON" "$cpnpc" --nothing list --json
json '.exit == 2 and .error != null' "unknown option"
exits 2 "a bad value in JSON" "$cpnpc" list --json --max-price cheap
json '.exit == 2 and (.error | contains("--max-price"))' "bad value"
exits 2 "an order id with a space" "$cpnpc" order --order-id "a b" x
exits 0 "options behind the verb" "$cpnpc" validate "$work/pipe.xml" -j
json '.valid' "options behind the verb"

# -- the store
exits 0 "list without a store" "$cpnpc" list
exits 0 "list --json without a store" "$cpnpc" list --json
json '.orders == [] and .exit == 0' "empty list"
[ ! -e "$work/.local" ]
result $? "looking makes no files"
exits 1 "show what is not there" "$cpnpc" show C-1
says "there is no such order" "show"
exits 1 "show --json what is not there" "$cpnpc" show C-1 --json
json '.exit == 1 and .error != null' "show"
echo "this is no database, and long enough to be read as one" >"$work/db"
exits 1 "a store that is something else" "$cpnpc" list --store "$work/db"
says "$work/db" "not a store"

# -- the configuration
exits 1 "no server" "$cpnpc" order "$work/pipe.xml"
says "no server is configured" "no server"
exits 1 "no certificate" "$cpnpc" order -s localhost "$work/pipe.xml"
says "no certificate is configured" "no certificate"
exits 1 "UDP without an identity" "$cpnpc" order --udp -s localhost \
    "$work/pipe.xml"
says "no identity is configured" "UDP"
exits 1 "a configuration that is missing" "$cpnpc" -c "$work/no.conf" list
printf 'server = a\nacept = exact\n' >"$work/bad.conf"
exits 1 "a mistake in it" "$cpnpc" -c "$work/bad.conf" list
says "$work/bad.conf:2: acept: there is no such option; expected accept" \
    "mistake"
exits 1 "a mistake in it, JSON" "$cpnpc" -c "$work/bad.conf" list -j
json '.error | contains(":2: acept")' "mistake"
mkdir -p "$work/.config/cpnp"
cp "$work/bad.conf" "$work/.config/cpnp/cpnpc.conf"
exits 1 "the usual configuration is read" "$cpnpc" list
says ".config/cpnp/cpnpc.conf:2: " "usual configuration"
rm "$work/.config/cpnp/cpnpc.conf"
exits 1 "the example without its files" "$cpnpc" \
    -c "$top/cpnpc/cpnpc.conf.example" --store "$work/s.db" order \
    "$work/pipe.xml"
says "$top/cpnpc/client" "the certificate is looked for beside the configuration"

[ "$bad" -eq 0 ]
