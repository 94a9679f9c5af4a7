// The program: from arguments to an exit code.
#pragma once

namespace sheaf {

int RunProgram(int argc, const char* const* argv);

}  // namespace sheaf
