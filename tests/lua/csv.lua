-- SPDX-License-Identifier: BSD-2-Clause
local eq, csv = require "eq", require "spf.csv"
eq(csv.row("a", 1, nil, 'x"y', "b,c", "d\n"), 'a,1,,"x""y","b,c","d\n"')
eq(csv.row(), "")
