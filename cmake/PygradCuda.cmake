# The three CUDA build modes. AUTO is resolved to ON or OFF before anything else looks at it.

# pygrad_resolve_cuda(): checks PYGRAD_CUDA, resolves AUTO, fills in PYGRAD_CUDA_ARCHITECTURES.
macro(pygrad_resolve_cuda)
  string(TOUPPER "${PYGRAD_CUDA}" PYGRAD_CUDA)
  if(NOT PYGRAD_CUDA MATCHES "^(AUTO|OFF|EMULATE|ON)$")
    message(FATAL_ERROR "PYGRAD_CUDA is '${PYGRAD_CUDA}'; expected AUTO, OFF, EMULATE or ON")
  endif()
  find_program(PYGRAD_NVCC nvcc
    HINTS ENV CUDACXX ENV CUDA_HOME ENV CUDA_PATH PATH_SUFFIXES bin
    PATHS /usr/local/cuda/bin /opt/cuda/bin)
  find_program(PYGRAD_NVIDIA_SMI nvidia-smi)
  mark_as_advanced(PYGRAD_NVCC PYGRAD_NVIDIA_SMI)

  # Compute capabilities of the GPUs present, such as "9.0;8.0"; empty where there is none.
  set(pygrad_capabilities "")
  if(PYGRAD_NVIDIA_SMI)
    execute_process(
      COMMAND "${PYGRAD_NVIDIA_SMI}" --query-gpu=compute_cap --format=csv,noheader
      OUTPUT_VARIABLE pygrad_smi RESULT_VARIABLE pygrad_smi_status
      OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET TIMEOUT 20)
    if(pygrad_smi_status EQUAL 0)
      string(REGEX MATCHALL "[0-9]+\\.[0-9]+" pygrad_capabilities "${pygrad_smi}")
      list(REMOVE_DUPLICATES pygrad_capabilities)
    endif()
  endif()

  if(PYGRAD_CUDA STREQUAL "AUTO")
    if(PYGRAD_NVCC AND (pygrad_capabilities OR EXISTS /dev/nvidia0))
      set(PYGRAD_CUDA "ON")
    else()
      set(PYGRAD_CUDA "OFF")
    endif()
  endif()
  if(PYGRAD_CUDA STREQUAL "ON" AND NOT PYGRAD_NVCC AND NOT CMAKE_CUDA_COMPILER)
    message(FATAL_ERROR "PYGRAD_CUDA=ON, but no nvcc was found: put it on PATH or set CUDACXX")
  endif()

  if(NOT PYGRAD_CUDA_ARCHITECTURES)
    set(PYGRAD_CUDA_ARCHITECTURES "")
    foreach(capability ${pygrad_capabilities})
      string(REPLACE "." "" arch "${capability}")
      if(arch GREATER_EQUAL 90)
        string(APPEND arch "a")  # tensor-core and TMA instructions of that very generation
      endif()
      list(APPEND PYGRAD_CUDA_ARCHITECTURES "${arch}")
    endforeach()
    if(NOT PYGRAD_CUDA_ARCHITECTURES)
      set(PYGRAD_CUDA_ARCHITECTURES 80 90a)
    endif()
  endif()
endmacro()

# pygrad_enable_cuda(): finds nvcc and the static runtime; needs no GPU and no driver.
macro(pygrad_enable_cuda)
  if(NOT CMAKE_CUDA_COMPILER)
    # A wrapper script on PATH may stand for the real nvcc; the toolkit lies where the latter is.
    execute_process(COMMAND "${PYGRAD_NVCC}" --dryrun -c -x cu /dev/null -o /dev/null
                    ERROR_VARIABLE pygrad_dryrun OUTPUT_QUIET)
    set(CMAKE_CUDA_COMPILER "${PYGRAD_NVCC}")
    if(pygrad_dryrun MATCHES "_HERE_=([^\n]+)")
      if(EXISTS "${CMAKE_MATCH_1}/nvcc")
        set(CMAKE_CUDA_COMPILER "${CMAKE_MATCH_1}/nvcc")
      endif()
    endif()
  endif()
  # PTX of an "a" architecture runs on no later GPU, so only its machine code goes in.
  list(TRANSFORM PYGRAD_CUDA_ARCHITECTURES REPLACE "^([0-9]+a)$" "\\1-real" OUTPUT_VARIABLE archs)
  set(CMAKE_CUDA_ARCHITECTURES "${archs}")
  set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
  set(CMAKE_CUDA_VISIBILITY_PRESET hidden)
  set(CMAKE_CUDA_FLAGS_RELEASE "-DNDEBUG")
  set(CMAKE_CUDA_FLAGS_RELWITHDEBINFO "-lineinfo")
  set(CMAKE_CUDA_FLAGS_DEBUG "-lineinfo")
  if(PYGRAD_PTXAS_LOG)
    set(CMAKE_CUDA_COMPILER_LAUNCHER
        sh "${PROJECT_SOURCE_DIR}/cmake/keep_log.sh" "${PYGRAD_PTXAS_LOG}"
        ${CMAKE_CUDA_COMPILER_LAUNCHER})
  endif()
  enable_language(CUDA)
  # After it, since CMake's own probes of the compiler would have to meet the standard as well.
  set(CMAKE_CUDA_STANDARD 20)
  set(CMAKE_CUDA_STANDARD_REQUIRED ON)
  set(CMAKE_CUDA_EXTENSIONS OFF)
  if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake up to 3.25.1 does not know nvcc's flag
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
  endif()
  find_package(CUDAToolkit REQUIRED)
endmacro()

# pygrad_cuda_flags(<target>): what the files of kernels/cuda/ need beyond the common flags.
function(pygrad_cuda_flags name)
  if(NOT TARGET ${name})
    return()
  endif()
  if(PYGRAD_CUDA STREQUAL "EMULATE")
    # BEFORE: the emulation's cuda_runtime.h must win over an installed toolkit's.
    target_include_directories(${name} BEFORE PRIVATE "${PROJECT_SOURCE_DIR}/kernels/cuda/emulate")
    target_compile_options(${name} PRIVATE
      "$<$<COMPILE_LANGUAGE:CXX>:-Wno-unknown-pragmas;-Wno-unused-parameter>")
    return()
  endif()
  target_link_libraries(${name} PRIVATE CUDA::cudart_static)
  target_compile_options(${name} PRIVATE
    "$<$<COMPILE_LANGUAGE:CUDA>:-O3;--fmad=true;--expt-relaxed-constexpr;--expt-extended-lambda>"
    "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-fno-math-errno,-ffp-contract=off,-Wall>")
  if(PYGRAD_PTXAS_LOG)
    target_compile_options(${name} PRIVATE "$<$<COMPILE_LANGUAGE:CUDA>:-Xptxas=-v>")
  endif()
  if(PYGRAD_WERROR)
    target_compile_options(${name} PRIVATE "$<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings>")
  endif()
endfunction()
