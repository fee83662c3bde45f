# SPDX-License-Identifier: BSD-2-Clause
# Makes a table of what tests/gen/compare printed: a column a kernel and backend, in each cell
# the worst verdict of both directions; the ways of a kind of socket that have the same
# verdicts everywhere share a row.
BEGIN {
	FS = "\t"
	rank["exact"] = 1; rank["gap"] = 2; rank["missing"] = 3; rank["WRONG"] = 4
	sign[0] = " "; sign[1] = "✔"; sign[2] = "gap"; sign[3] = "–"; sign[4] = "WRONG"
}
/^@ / {
	column = substr($0, 3)
	if (!(column in is_column)) {
		is_column[column] = 1
		columns[++column_cnt] = column
	}
	next
}
$1 in rank {
	split($2, part, "/") # kind, writer, reader, direction
	way = part[3] == "read" ? part[2] : part[3]
	row = part[1] SUBSEP way
	if (!(row in is_row)) {
		is_row[row] = 1
		rows[++row_cnt] = row
	}
	if (rank[$1] > worst[row, column])
		worst[row, column] = rank[$1]
}
END {
	printf "| socket | way to write or to read |"
	for (i = 1; i <= column_cnt; i++)
		printf " %s |", columns[i]
	printf "\n|---|---|"
	for (i = 1; i <= column_cnt; i++)
		printf "---|"
	print ""
	for (r = 1; r <= row_cnt; r++) {
		split(rows[r], part, SUBSEP)
		cells = ""
		for (i = 1; i <= column_cnt; i++)
			cells = cells " " sign[worst[rows[r], columns[i]] + 0] " |"
		group = part[1] SUBSEP cells
		if (!(group in ways))
			groups[++group_cnt] = group
		ways[group] = ways[group] (group in ways && ways[group] != "" ? ", " : "") part[2]
	}
	for (g = 1; g <= group_cnt; g++) {
		split(groups[g], part, SUBSEP)
		printf "| %s | %s |%s\n", part[1], ways[groups[g]], part[2]
	}
}
