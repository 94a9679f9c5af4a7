#include "cli/program.h"

int main(int argc, char** argv) { return sheaf::RunProgram(argc, argv); }
