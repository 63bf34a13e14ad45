#include "csrc/ops/registry.h"

#include <cctype>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <unordered_map>

namespace pygrad {
namespace {

struct Registry {
  std::vector<OpDef*> ops;
  std::unordered_map<std::string, OpDef*> by_name;
  bool finished = false;
};
// Built on first use: registrations run before main, in no particular order between files.
Registry& registry() {
  static auto* r = new Registry;
  return *r;
}

// A recursive-descent reader of "(Tensor input, int dim=-1, *, dtype? dtype=None) -> (Tensor
// values, Tensor indices)".
class SchemaReader {
 public:
  explicit SchemaReader(OpDef* def) : def_(def), at_(def->schema) {}

  void read() {
    expect("(");
    bool keyword_only = false;
    while (!take(")")) {
      if (take("*")) {
        keyword_only = true;
      } else {
        Param p = read_param();
        p.keyword_only = keyword_only;
        def_->params.push_back(std::move(p));
      }
      take(",");
    }
    expect("->");
    read_returns();
    skip();
    if (*at_) fail("text after the return type");
  }

 private:
  void skip() {
    while (*at_ == ' ') ++at_;
  }
  bool take(const char* token) {
    skip();
    const size_t n = std::strlen(token);
    if (std::strncmp(at_, token, n) != 0) return false;
    at_ += n;
    return true;
  }
  void expect(const char* token) {
    if (!take(token)) fail(std::string("expected ") + token);
  }
  std::string word() {
    skip();
    const char* start = at_;
    while (std::isalnum(static_cast<unsigned char>(*at_)) || *at_ == '_') ++at_;
    return {start, at_};
  }
  [[noreturn]] void fail(const std::string& why) {
    raise(ErrorKind::Runtime, "internal error, please report: schema of ", def_->name, ": ", why,
          " at '", at_, "'");
  }

  ArgKind read_kind(Param& p) {
    const std::string type = word();
    bool list = false, unbounded = false;
    if (take("(True)")) p.literal = 1;
    if (take("(False)")) p.literal = 0;
    if (take("[")) {
      p.varargs = take("...");
      unbounded = take("*");
      expect("]");
      list = true;
    }
    bool or_scalar = false;
    if (take("|")) {
      if (word() != "Scalar") fail("only Tensor|Scalar is known");
      or_scalar = true;
    }
    p.optional = take("?");
    if (type == "Tensor")
      return or_scalar ? ArgKind::TensorOrScalar : list ? ArgKind::TensorList : ArgKind::Tensor;
    if (type == "int")
      return unbounded ? ArgKind::LongIntList : list ? ArgKind::IntList : ArgKind::Int;
    if (type == "float") return list ? ArgKind::FloatList : ArgKind::Float;
    if (type == "Scalar") return ArgKind::Scalar;
    if (type == "bool") return ArgKind::Bool;
    if (type == "str") return ArgKind::Str;
    if (type == "dtype") return ArgKind::DType;
    if (type == "device") return ArgKind::Device;
    if (type == "Generator") return ArgKind::Generator;
    fail("unknown type " + type);
  }

  Param read_param() {
    Param p;
    p.kind = read_kind(p);
    p.name = word();
    if (take("=")) {
      p.has_default = true;
      p.default_value = read_default(p.kind);
    }
    return p;
  }

  Scalar read_number() {
    skip();
    char* end;
    const double d = std::strtod(at_, &end);
    if (end == at_) fail("expected a number");
    const bool integral =
        std::string_view(at_, size_t(end - at_)).find_first_of(".einf") == std::string_view::npos;
    at_ = end;
    return integral ? Scalar(int64_t(d)) : Scalar(d);
  }

  Value read_default(ArgKind kind) {
    if (take("None")) return {};
    if (take("True")) return Scalar(true);
    if (take("False")) return Scalar(false);
    if (take("'")) {
      const char* start = at_;
      while (*at_ && *at_ != '\'') ++at_;
      std::string text(start, at_);
      expect("'");
      return text;
    }
    if (take("[")) {
      Shape s;
      std::vector<double> d;
      while (!take("]")) {
        const Scalar x = read_number();
        s.push_back(x.to_int());
        d.push_back(x.to_double());
        take(",");
      }
      if (kind == ArgKind::FloatList) return d;
      return s;
    }
    const Scalar x = read_number();
    if (kind == ArgKind::IntList) return Shape{x.i};
    if (kind == ArgKind::Float) return Scalar(x.to_double());
    return x;
  }

  void read_returns() {
    if (take("(")) {
      int count = 0;
      while (!take(")")) {
        if (word() != "Tensor") fail("a tuple of tensors was expected");
        def_->return_names.push_back(word());
        take(",");
        ++count;
      }
      check_return(count ? ReturnKind::Tuple : ReturnKind::None);
      return;
    }
    const std::string type = word();
    if (type == "Tensor")
      return check_return(take("[]") ? ReturnKind::TensorList : ReturnKind::Tensor);
    if (type == "int") return check_return(take("[]") ? ReturnKind::IntList : ReturnKind::Int);
    if (type == "bool") return check_return(ReturnKind::Bool);
    if (type == "float") return check_return(ReturnKind::Float);
    if (type == "Scalar") return check_return(ReturnKind::Scalar);
    fail("unknown return type " + type);
  }
  void check_return(ReturnKind kind) {
    if (kind != def_->returns) fail("the return type differs from the C++ function's");
  }

  OpDef* def_;
  const char* at_;
};

// The schema and the C++ signature must tell the same story.
void check_signature(const OpDef& def) {
  PG_CHECK(int(def.params.size()) == def.arity, "internal error, please report: schema of ",
           def.name, " has ", def.params.size(), " parameters, its C++ function ", def.arity);
  for (size_t i = 0; i < def.params.size(); ++i)
    PG_CHECK(def.params[i].kind == def.kinds[i], "internal error, please report: schema of ",
             def.name, ": parameter '", def.params[i].name, "' has another type in C++");
}

}  // namespace

Registration::Registration(const char* name, const char* schema, const char* doc, Boxed fn,
                           int arity, const ArgKind* kinds, ReturnKind returns)
    : def_(new OpDef{name, schema, doc, fn, arity, kinds, returns}) {
  const size_t n = std::strlen(name);
  def_->inplace_only = n > 1 && name[n - 1] == '_';
  registry().ops.push_back(def_);
}

Registration&& Registration::method() && {
  def_->is_method = true;
  return std::move(*this);
}
Registration&& Registration::inplace(bool direct) && {
  def_->has_inplace = true;
  def_->inplace_name = std::string(def_->name) + "_";
  def_->inplace_direct = direct;
  return std::move(*this);
}
Registration&& Registration::in(const char* ns) && {
  def_->namespaces = {ns};
  def_->is_function = std::strcmp(ns, "Tensor") != 0;
  if (!def_->is_function) def_->is_method = true;
  return std::move(*this);
}
Registration&& Registration::also_in(const char* ns) && {
  def_->namespaces.push_back(ns);
  def_->is_function = true;
  return std::move(*this);
}
Registration&& Registration::nondifferentiable() && {
  def_->non_differentiable = true;
  return std::move(*this);
}
Registration&& Registration::composed() && {
  def_->is_composed = true;
  return std::move(*this);
}
Registration&& Registration::alias(const char* name) && {
  auto* copy = new OpDef(*def_);
  copy->name = name;
  if (copy->has_inplace) copy->inplace_name = std::string(name) + "_";
  registry().ops.push_back(copy);
  return std::move(*this);
}

OpDef* find_op(const std::string& name) {
  auto it = registry().by_name.find(name);
  return it == registry().by_name.end() ? nullptr : it->second;
}

const std::vector<OpDef*>& all_ops() { return registry().ops; }

void finish_registration() {
  Registry& r = registry();
  if (r.finished) return;
  for (OpDef* def : r.ops) {
    SchemaReader(def).read();
    check_signature(*def);
    auto [it, fresh] = r.by_name.try_emplace(def->name, def);
    if (fresh) continue;
    OpDef* last = it->second;
    while (last->next_overload) last = last->next_overload;
    last->next_overload = def;
  }
  r.finished = true;
}

}  // namespace pygrad
