# A ledger for the end-to-end tests and the demo, made as a newcomer would make
# it: an operator, who tells its time, a bank that mints, and accounts.  Source
# it behind lib.sh.
#
# money_begin PARTY... writes keys and $dir/PARTY.conf for op, bank and each
# PARTY and begins the ledger; every PARTY but provider is a customer.  Before
# it, $money_settings may name a function that prints backend and setting for a
# party; else there is one log in a file, $dir/log.db.  money_init may be an
# array of more options for it.

money_init=()

money_sqlite() { # PARTY
	echo 'backend = "sqlite"'
	echo "setting = {\"path = $dir/log.db\", \"writer = $1\"}"
}

money_party() { # PARTY
	"$ledger" key generate "$dir/$1.key" >/dev/null &&
	    "$ledger" key public "$dir/$1.key" -o "$dir/$1.pub" || return 1
	{
		echo 'genesis = "genesis"'
		echo "store = \"$1.ledger\""
		"${money_settings:-money_sqlite}" "$1"
		echo "account = \"$1\""
		echo "key-file = \"$1.key\""
	} >"$dir/$1.conf"
}

money_begin() {
	local party members=()
	for party in op bank "$@"; do
		money_party "$party" || return 1
	done
	for party in "$@"; do
		members+=(--member "$party:customer:$dir/$party.pub")
	done
	members=("${members[@]/#provider:customer:/provider:provider:}")
	now=$(date +%s)
	at op init --name "demo ledger" \
	    --member "op:operator,maintainer:$dir/op.pub" \
	    --member "bank:issuer:$dir/bank.pub" \
	    "${members[@]}" --token bank:EUR:3 "${money_init[@]}" &&
	    at op tick
}

# at PARTY WORD...: cpnp-ledger as this party
at() {
	local party=$1
	shift
	"$ledger" "$@" --config "$dir/$party.conf"
}

# tick SECONDS: the operator says that so many have passed at the ledger
tick() {
	now=$((now + $1))
	at op tick "$(day "$now")"
}
day() {
	date -u -d "@$1" +%Y-%m-%dT%H:%M:%SZ
}

# Minor units that a party has free, and has locked in escrows.
free() {
	at op balance "$1" --json | jq -r .free
}
locked() {
	at op balance "$1" --json | jq -r .held
}

# provider_is_paid [LINE...]: cpnpd is paid by customer.example, for an hour of
# a service without a date and a hundred times what the example takes, with
# these lines in its section ledger.
provider_is_paid() {
	sed -e 's/open-term="30 d"/open-term="1 h"/' \
	    -e 's/\(<place .*price="[0-9]*\)"/\100"/' \
	    "$examples/catalogue.xml" >"$dir/catalogue.xml"
	sed -i -e 's/customer "customer.example" {/&\n\taccount = "customer"/' \
	    -e "s|^catalogue = .*|catalogue = \"$dir/catalogue.xml\"|" \
	    "$dir/cpnpd.conf"
	{
		echo 'ledger {'
		echo "	conf = \"$dir/provider.conf\""
		printf '\t%s\n' "$@"
		echo '}'
	} >>"$dir/cpnpd.conf"
}

# A service without a date, which its customer starts.
money_document() {
	sed -e '/<window/d' \
	    -e 's,invocation type="implicit"/,invocation type="explicit">\
				<protocol>CPNP</protocol>\
			</invocation,' "$examples/three-site-vpn.xml"
}
