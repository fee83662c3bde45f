# SPDX-License-Identifier: BSD-2-Clause
# Lines wider than 100 columns, with ten more where breaking one makes it worse. Bytes that continue a UTF-8 character take no column.
{
	columns = 0
	text = $0
	gsub(/[\200-\277]/, "", text)
	sub(/[ \t]*\\$/, "", text) # nor does what continues a macro
	for (i = 1; i <= length(text); i++)
		columns = substr(text, i, 1) == "\t" ? columns - columns % 8 + 8 : columns + 1
	if (columns > 110)
		print FILENAME ":" FNR ": " columns " columns"
}
