# SPDX-License-Identifier: BSD-2-Clause
# Copies a file, with the file `table` between its coverage marks.
/^<!-- end -->$/ { skip = 0 }
!skip { print }
/^<!-- coverage -->$/ {
	skip = 1
	while ((getline line < table) > 0)
		print line
}
