# easq: builds with PGXS.  make && make install && make installcheck
#
#   make test     all tests in throw-away clusters; needs no installation (./test/run)
#   make demo     the story (./test/demo/run)
#   make bench    speed, beside what people would use instead (./test/bench/speed/run)
#   make core-test [core-test-sanitize core-test-valgrind]    the arithmetic alone
#
#   PG_CONFIG     the server to build for
#   OPENBLAS_DIR  folder of a *serial* libopenblas.a; it is linked in, so that a backend has one thread
#   OPTFLAGS      e.g. -march=native, for a build that stays on this machine
#   EASQ_LEVEL_MOST    highest level of instructions that is used: plain, x86-64-v3 or x86-64-v4 (src/core/level.h)

EXTENSION = easq
DATA = $(wildcard sql/easq--*.sql)
MODULE_big = easq

CORE = $(patsubst %.c,%.o,$(sort $(wildcard src/core/*.c)))
OBJS = src/easq.o $(patsubst %.c,%.o,$(sort $(wildcard src/feature/*.c src/store/*.c src/learn/*.c src/train/*.c src/transfer/*.c src/sql/*.c src/query/*.c))) $(CORE)

REGRESS := $(sort $(patsubst test/sql/%.sql,%,$(wildcard test/sql/*.sql)))
REGRESS_OPTS = --inputdir=test --outputdir=test/results
ISOLATION := $(sort $(patsubst test/specs/%.spec,%,$(wildcard test/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test --outputdir=test/results/isolation
# The TAP tests start servers of their own, which root may not.
TAP_TESTS := $(shell [ "$$(id -u)" != 0 ] && perl -MIPC::Run -e 'print 1' 2>/dev/null)
PROVE_TESTS = $(sort $(wildcard test/t/*.pl))
REGRESS_PREP = test-results

OPENBLAS_DIR ?= $(firstword $(wildcard /usr/lib/*/openblas-serial /usr/lib/openblas-serial))
OPENBLAS_INCLUDE ?= $(firstword $(wildcard /usr/include/*/openblas-serial /usr/include/openblas-serial))
BLAS_LIBS ?= $(OPENBLAS_DIR)/libopenblas.a

WARNINGS = -Wall -Wextra -Werror -Wno-declaration-after-statement
PG_CPPFLAGS = -Isrc $(addprefix -isystem ,$(OPENBLAS_INCLUDE)) $(addprefix -isystem ,$(shell $(PG_CONFIG) --includedir-server))
PG_CFLAGS = $(WARNINGS) -MMD -MP $(OPTFLAGS)
SHLIB_LINK = $(BLAS_LIBS) -lm -Wl,--exclude-libs,ALL -Wl,--version-script=src/easq.map -Wl,-z,relro,-z,now

EXTRA_CLEAN = test/results $(OBJS:.o=.d)

# Bitcode would let the JIT inline calls into the BLAS that is linked in and not exported.
override with_llvm = no

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# The kernels: full vectorising, and no promise about floating-point traps (NaN and infinity stay exact).
src/core/%.o: CFLAGS += -O3 -fno-trapping-math -fno-math-errno
src/core/level.o: CPPFLAGS += $(if $(EASQ_LEVEL_MOST),-DEASQ_LEVEL_MOST='"$(EASQ_LEVEL_MOST)"')
-include $(OBJS:.o=.d)
easq.so: src/easq.map

.PHONY: test demo bench speed-arithmetic test-results core-test core-test-sanitize core-test-valgrind
test:
	./test/run
demo:
	./test/demo/run
bench:
	./test/bench/speed/run

test-results:
	@mkdir -p test/results/isolation
	$(if $(TAP_TESTS)$(findstring command line,$(origin TAP_TESTS)),,@echo "without TAP tests: they need IPC::Run and a user other than root (./test/run has both)")

# The C test takes the objects that are shipped; the sanitizers need a build of their own.
CORE_TEST = $(CC) -g -O1 $(WARNINGS) -Isrc $(addprefix -isystem ,$(OPENBLAS_INCLUDE))
CORE_TEST_C = $(sort $(wildcard test/core/*.c))
test/results/core_test: $(CORE_TEST_C) $(wildcard test/core/*.h src/core/*.h) $(CORE)
	@mkdir -p $(@D)
	$(CORE_TEST) $(CORE_TEST_C) $(CORE) $(BLAS_LIBS) -lm -o $@
test/results/core_test_sanitize: $(CORE_TEST_C) $(wildcard test/core/*.h src/core/*.h) $(CORE:.o=.c)
	@mkdir -p $(@D)
	$(CORE_TEST) -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer $(CORE_TEST_C) $(CORE:.o=.c) $(BLAS_LIBS) -lm -o $@

test/results/speed_arithmetic: test/bench/speed/arithmetic.c $(wildcard src/core/*.h) $(CORE)
	@mkdir -p $(@D)
	$(CC) -O2 $(WARNINGS) -Isrc $(addprefix -isystem ,$(OPENBLAS_INCLUDE)) $< $(CORE) $(BLAS_LIBS) -lm -o $@
speed-arithmetic: test/results/speed_arithmetic

core-test: test/results/core_test
	$<
core-test-sanitize: test/results/core_test_sanitize
	$<
core-test-valgrind: test/results/core_test
	valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite,indirect $<

ifeq ($(wildcard $(BLAS_LIBS)),)
ifeq ($(filter -l%,$(BLAS_LIBS)),)
all: no-openblas
no-openblas:
	@echo "easq needs a serial OpenBLAS: install libopenblas-serial-dev, or name its folder with OPENBLAS_DIR=" >&2; false
endif
endif
