# Commands and their output: scripts, one-liners, the examples of the manual.
SUITES += check-golden
check-golden: $(SPF) ## run tests/golden (T=NAME for one)
	$(Q)SPF=$(SPF) tests/golden/run.sh $(T)

bless: $(SPF) ## write what the golden T=NAME prints now as its output
	$(Q)SPF=$(SPF) tests/golden/run.sh --bless $(or $(T),$(error bless T=NAME))

.PHONY: check-golden bless
