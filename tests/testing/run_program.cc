#include "testing/run_program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing/shared_data.h"
#include "testing/temp_dir.h"

extern char** environ;

namespace retort::testing {

ProgramResult run_program(const std::string& program, const std::vector<std::string>& arguments) {
  const TempDir dir;  // files, not pipes: nothing can block on a full one
  const std::string out_path = dir.path() / "out";
  const std::string err_path = dir.path() / "err";
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, out_path.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, err_path.c_str(), O_WRONLY | O_CREAT, 0600);
  std::vector<char*> argv = {const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  ProgramResult result;
  pid_t child = 0;
  if (posix_spawn(&child, program.c_str(), &files, nullptr, argv.data(), environ) == 0) {
    int status = 0;
    waitpid(child, &status, 0);
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  posix_spawn_file_actions_destroy(&files);
  result.out = read_text(out_path);
  result.err = read_text(err_path);
  return result;
}

}  // namespace retort::testing
