# A ledger for the end-to-end tests and the demo, made as a newcomer would make
# it: an operator, who tells its time, a bank that mints, and accounts.  Source
# it behind lib.sh.
#
# money_begin PARTY... writes keys and $dir/PARTY.conf for op, bank and each
# PARTY and begins the ledger; every PARTY but provider is a customer.  With
# money_backend=evm it is on a node of its own, which money_end stops, else in a
# file, $dir/log.db.  money_init may be an array of more options for it.
money_init=()
money_backend=sqlite
money_parties=()
anvil=

money_sqlite() { # PARTY
	echo 'backend = "sqlite"'
	echo "setting = {\"path = $dir/log.db\", \"writer = $1\"}"
}

# Each party has an account of the chain, to write with.
money_evm() { # PARTY
	cat <<-CONF
		backend = "evm"
		setting = {"rpc-url = $anvil_url", "chain-id = 1337",
			"confirmations = 1", "poll = 50",
			"key-file = $dir/key-${#money_parties[@]}"}
		wait = 20
	CONF
}

# A node, with some money in some accounts.
money_evm_start() {
	. "$source_root/tests/backends/anvil.sh"
	anvil_find && anvil_start "$dir" --block-time 0.2 \
	    --gas-limit 30000000 && anvil_accounts "$dir"
}

# The contract is known now, and admits the others.
money_evm_begun() {
	local n line
	line=$(grep '^setting +=' "$dir/begun")
	for n in "${!money_parties[@]}"; do
		echo "$line" >>"$dir/${money_parties[n]}.conf"
	done
	for ((n = 1; n < ${#money_parties[@]}; n++)); do
		as op writer admit "$(cat "$dir/account-$n")" || return 1
	done
}

money_end() {
	[ -z "$anvil" ] || kill -9 "$anvil" 2>/dev/null
}

money_party() { # PARTY
	"$ledger" key generate "$dir/$1.key" >/dev/null &&
	    "$ledger" key public "$dir/$1.key" -o "$dir/$1.pub" || return 1
	{
		echo 'genesis = "genesis"'
		echo "store = \"$1.ledger\""
		"money_$money_backend" "$1"
		echo "account = \"$1\""
		echo "key-file = \"$1.key\""
	} >"$dir/$1.conf"
	money_parties+=("$1")
}

money_begin() {
	local party members=()
	[ "$money_backend" != evm ] || money_evm_start || return 1
	for party in op bank "$@"; do
		money_party "$party" || return 1
	done
	for party in "$@"; do
		members+=(--member "$party:customer:$dir/$party.pub")
	done
	members=("${members[@]/#provider:customer:/provider:provider:}")
	as op init --name "demo ledger" \
	    --member "op:operator,maintainer:$dir/op.pub" \
	    --member "bank:issuer:$dir/bank.pub" \
	    "${members[@]}" --token bank:EUR:3 "${money_init[@]}" \
	    >"$dir/begun" || return 1
	[ "$money_backend" != evm ] || money_evm_begun || return 1
	now=$(date +%s)
	tick 0 >>"$dir/begun"
}

# as PARTY WORD...: cpnp-ledger as this party
as() {
	local party=$1
	shift
	"$ledger" "$@" --config "$dir/$party.conf"
}

# tick SECONDS: the operator says that so many have passed at the ledger
tick() {
	now=$((now + $1))
	as op tick "$(day "$now")"
}
day() {
	date -u -d "@$1" +%Y-%m-%dT%H:%M:%SZ
}

# Minor units that a party has free, and has locked in escrows.
free() {
	as op balance "$1" --json | jq -r .free
}
locked() {
	as op balance "$1" --json | jq -r .held
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
