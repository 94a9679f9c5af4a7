#include "cli/program.h"

// NOLINTNEXTLINE(misc-const-correctness): the type that C++ gives to main.
int main(int argc, char** argv) { return sheaf::RunProgram(argc, argv); }
