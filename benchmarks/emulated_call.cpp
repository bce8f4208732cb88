// Calls one function of a compiled kernel in a process of its own, which may run under an emulator.
//
// Linked with recurrence.cpp or lstm.cpp by instructions.py. The argument is the function's name. Standard input has
// the flag, the number of fields of `Arguments`, and for each field a number and what it says: the size of a tensor in
// bytes, followed by its content; NUMBER, followed by the number; or NOTHING, a null pointer. Standard output receives
// the contents of all tensors in the same order.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

extern "C" {
void forward_float(const void*, bool);
void forward_double(const void*, bool);
void backward_float(const void*, bool);
void backward_double(const void*, bool);
}

constexpr std::int64_t NUMBER = -1, NOTHING = -2;

static std::int64_t number() {
    std::int64_t value;
    if (std::fread(&value, sizeof value, 1, stdin) != 1) std::exit(2);
    return value;
}

int main(int, char** arguments) {
    struct Function { const char* name; void (*run)(const void*, bool); };
    const Function functions[] = {{"forward_float", forward_float}, {"forward_double", forward_double},
                                  {"backward_float", backward_float}, {"backward_double", backward_double}};
    const bool flag = number() != 0;
    std::vector<std::int64_t> fields(number());
    std::vector<std::vector<char>> tensors;
    for (std::int64_t& field : fields) {
        const std::int64_t size = number();
        if (size < 0) {
            field = size == NUMBER ? number() : 0;
            continue;
        }
        tensors.emplace_back(size);
        if (size > 0 && std::fread(tensors.back().data(), size, 1, stdin) != 1) return 2;
        field = reinterpret_cast<std::int64_t>(tensors.back().data());
    }
    for (const Function& function : functions) {
        if (std::strcmp(function.name, arguments[1]) == 0) function.run(fields.data(), flag);
    }
    for (const std::vector<char>& tensor : tensors) std::fwrite(tensor.data(), 1, tensor.size(), stdout);
    return 0;
}
