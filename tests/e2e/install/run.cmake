# Installs the build into a fresh prefix, moves that prefix, and builds and runs a program that finds retort there:
#   cmake -DBUILD=... -DCONSUMER=... -DVERSION=... [-DCOMPILER=...] -P run.cmake
# Moved, because a package that remembers where it was installed works only there.
set(work ${BUILD}/install-test)
file(REMOVE_RECURSE ${work})
file(MAKE_DIRECTORY ${work})

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE code OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT code EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\nexited with ${code}:\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${work}/first)
file(RENAME ${work}/first ${work}/prefix)

run(${work}/prefix/bin/retort --version)
if(NOT output MATCHES "^retort ${VERSION} ")
  message(FATAL_ERROR "the installed retort says '${output}', expected version ${VERSION}")
endif()

# The tasks come along, and are found where the prefix is now.
run(${work}/prefix/bin/retort eval list)
if(NOT output MATCHES "tasks in ${work}/prefix/share/retort/tasks")
  message(FATAL_ERROR "the installed retort says '${output}', expected its tasks below the prefix")
endif()

run(${CMAKE_COMMAND} -S ${CONSUMER} -B ${work}/build -G Ninja -DCMAKE_BUILD_TYPE=Release
  -DCMAKE_PREFIX_PATH=${work}/prefix -DCMAKE_CXX_COMPILER=${COMPILER} -DRETORT_WANTED=${VERSION})
run(${CMAKE_COMMAND} --build ${work}/build)
run(${work}/build/consumer ${work})
if(NOT output MATCHES "${VERSION}: 3 tokens, 1 tensor")
  message(FATAL_ERROR "the consumer says '${output}'")
endif()
file(REMOVE_RECURSE ${work})
