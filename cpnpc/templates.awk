# SPDX-License-Identifier: BSD-2-Clause
# Make cpnpc/templates.c of the documents that are named: each line a string.
BEGIN {
	print "/* Made by templates.awk of the documents in schemas/examples. */"
	print "#include <stddef.h>\n"
	print "#include \"cpnpc/templates.h\"\n"
	print "const struct cpnpc_template_text cpnpc_templates[] = {"
}
FNR == 1 {
	if (name != "")
		print "\tNULL}},"
	name = FILENAME
	sub(/.*\//, "", name)
	sub(/\.xml$/, "", name)
	printf "    {\"%s\", (const char *const[]){\n", name
}
{
	gsub(/\\/, "\\\\")
	gsub(/"/, "\\\"")
	gsub(/\?/, "\\?")
	printf "\t\"%s\",\n", $0
}
END {
	print "\tNULL}},"
	print "    {NULL, NULL},"
	print "};"
}
