# Makes tables of what tests/gen/compare printed: a row a way, a column a kernel and backend,
# the worst verdict of both directions in each cell.
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
	row = part[1] ", " part[2]
	if (part[3] != "read")
		row = part[1] ", " part[3]
	if (!(row in is_row)) {
		is_row[row] = 1
		rows[++row_cnt] = row
	}
	if (rank[$1] > worst[row, column])
		worst[row, column] = rank[$1]
}
END {
	printf "| path |"
	for (i = 1; i <= column_cnt; i++)
		printf " %s |", columns[i]
	printf "\n|---|"
	for (i = 1; i <= column_cnt; i++)
		printf "---|"
	print ""
	for (r = 1; r <= row_cnt; r++) {
		printf "| %s |", rows[r]
		for (i = 1; i <= column_cnt; i++)
			printf " %s |", sign[worst[rows[r], columns[i]] + 0]
		print ""
	}
}
