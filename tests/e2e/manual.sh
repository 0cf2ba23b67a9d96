#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The manual pages and the programs name the same options, verbs and exit
# codes: what one has and the other has not is an error.  Run in the build
# directory; srcdir names the source.
set -u
top=$(cd "${srcdir:-.}" && pwd)
build=$(pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/cpnp-manual.XXXXXX")
trap 'rm -rf "$work"' EXIT
bad=0

# same NAME MAN-PAGE-NAMES PROGRAM-NAMES, a name in each line
same() {
	local difference
	if [ -n "$2" ] && difference=$(diff <(sort -u <<<"$2") \
	    <(sort -u <<<"$3")); then
		echo "ok - $1"
	else
		echo "not ok - $1; < manual page, > program:"
		echo "$difference"
		bad=1
	fi
}

# between FIRST LAST: the lines of standard input from one to before another
between() {
	sed -n "/$1/,/$2/p"
}

# subsection TITLE FILE
subsection() {
	awk -v title="$1" '/^\.S[sh] /{on = substr($0, 5) == title} on' "$2"
}

# What cpnpd says there is, when something else is written in a section.
cpnpd_options() { # section text
	printf '%s\n' "$1" >"$work/conf"
	"$build/cpnpd/cpnpd" -t -c "$work/conf" 2>&1 |
	    sed -n 's/.*there is no such option.*one of //p' |
	    tr -d ' ' | tr , '\n'
}

items() { # of .It Ic a , b
	sed -n 's/^\.It Ic //p' | tr -d ' ' | tr , '\n'
}
page=$top/man/cpnpd.conf.5
same "cpnpd.conf(5), the top" \
    "$(between '^\.Ss Addresses' '^\.Ss Section' <$page | items
	sed -n 's/^\.Ss Sections* //p' "$page")" \
    "$(cpnpd_options 'zzz = 1')"
for section in log timers limits approval decision children; do
	same "cpnpd.conf(5), $section" \
	    "$(subsection "Section $section" "$page" | items)" \
	    "$(cpnpd_options "$section { zzz = 1 }")"
done
for section in customer access neighbour; do
	same "cpnpd.conf(5), $section" \
	    "$(subsection "Sections $section" "$page" | items)" \
	    "$(cpnpd_options "$section \"1.0.0.0/8\" { zzz = 1 }")"
done

# The table of settings, each with where it may stand.
settings=$(sed -n 's/^    {"\([a-z-]*\)", .*\(BOTH\|IN_FILE\|IN_LINE\),.*/\1 \2/p' \
    "$top/cpnpc/conf.c")
same "cpnpc.conf(5)" \
    "$(sed -n 's/^\.It Ic \([a-z-]*\) No = .*/\1/p' "$top/man/cpnpc.conf.5")" \
    "$(sed -n 's/ \(BOTH\|IN_FILE\)$//p' <<<"$settings")"
same "cpnpc(1), options" \
    "$(between '^\.Sh OPTIONS' '^\.Sh WAITING' <"$top/man/cpnpc.1" |
	sed -e :a -e '/\\$/N; s/\\\n//; ta' | grep '^\.It Fl' |
	grep -o -- ' -[a-z][a-z-]*' | sed 's/^ -//')" \
    "$(sed -n 's/ \(BOTH\|IN_LINE\)$//p' <<<"$settings"
	printf 'config\nhelp\nversion')"
same "cpnpc(1), verbs" \
    "$(between '^\.Sh VERBS' '^\.Sh OPTIONS' <"$top/man/cpnpc.1" |
	sed -n 's/^\.It Cm \([a-z]*\).*/\1/p')" \
    "$("$build/cpnpc/cpnpc" --help | between '^verbs' '^options' |
	sed -n 's/^  \([a-z]*\) .*/\1/p')"
same "cpnpc(1), exit codes" \
    "$(between '^\.Sh EXIT' '^\.Sh EX' <"$top/man/cpnpc.1" |
	sed -n 's/^\.It \([0-9]\)$/\1/p')" \
    "$(between '^typedef enum cpnpc_exit' '^}' <"$top/cpnpc/cpnpc.h" |
	grep -o '= [0-9]' | tr -d '= ')"
same "cpnpd(8), options" \
    "$(sed -n 's/^\.It Fl . .*Fl -\([a-z]*\).*/\1/p' "$top/man/cpnpd.8")" \
    "$("$build/cpnpd/cpnpd" --help | grep -o '^  -., --[a-z]*' |
	sed 's/.*--//')"
exit $bad
