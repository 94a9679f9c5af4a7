#include "engine/driver_location.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sheaf {
namespace {

TEST(LoadProblem, IsEmptyWhereThereIsNoSuchDriver) {
  EXPECT_EQ(
      LoadProblem("sqlite",
                  "Could not load `sqlite`: dlopen() failed: sqlite: cannot open shared object "
                  "file: No such file or directory dlopen() failed: libsqlite.so: cannot open "
                  "shared object file: No such file or directory Also searched these paths for "
                  "manifests: not set: ADBC_DRIVER_PATH"),
      "");
}

TEST(LoadProblem, DoesNotTakeAFolderForADriver) {
  EXPECT_EQ(
      LoadProblem("postgresql",
                  "Could not load `postgresql`: dlopen() failed: /lib/postgresql: cannot read "
                  "file data: Is a directory dlopen() failed: libpostgresql.so: cannot open "
                  "shared object file: No such file or directory"),
      "");
}

TEST(LoadProblem, NamesTheLibraryThatTheDriverNeeds) {
  EXPECT_EQ(
      LoadProblem("/opt/x.so",
                  "Could not load `/opt/x.so`: dlopen() failed: libpq.so.5: cannot open shared "
                  "object file: No such file or directory dlopen() failed: lib/opt/x.so.so: "
                  "cannot open shared object file: No such file or directory"),
      "libpq.so.5: cannot open shared object file: No such file or directory");
}

TEST(LoadProblem, NamesTheManifestThatPointsNowhere) {
  EXPECT_EQ(
      LoadProblem("x",
                  "Could not load `x`: dlopen() failed: x: cannot open shared object file: No "
                  "such file or directory Also searched these paths for manifests: "
                  "ADBC_DRIVER_PATH: /m found /m/x.toml but: [Driver Manager] Could not load "
                  "`/n.so`: dlopen() failed: /n.so: invalid ELF header dlopen() failed: "
                  "lib/n.so.so: cannot open shared object file"),
      "found /m/x.toml, but /n.so: invalid ELF header");
}

TEST(DriverCandidates, AreANameAndTheLibraryCalledAfterIt) {
  EXPECT_THAT(DriverCandidates("sqlite").ValueOrDie(),
              testing::ElementsAre("sqlite", "adbc_driver_sqlite"));
}

TEST(DriverCandidates, OfALibrarysNameAreThatName) {
  EXPECT_THAT(DriverCandidates("libduckdb.so").ValueOrDie(), testing::ElementsAre("libduckdb.so"));
}

}  // namespace
}  // namespace sheaf
