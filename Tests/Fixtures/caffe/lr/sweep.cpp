// Prints learning rates of C++, computed by the expressions of Caffe's GetLearningRate (sgd_solver.cpp):
//   g++ -O1 sweep.cpp -o sweep && ./sweep >sweep.txt
// A line: policy, base, gamma and power as bits of a float, stepsize, stepvalues, max_iter, the iteration
// and current_step to begin with; then the rates of 24 iterations one after another, as bits.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

static unsigned bits(float x) {
  uint32_t b;
  std::memcpy(&b, &x, 4);
  return b;
}

int main() {
  using std::exp;
  using std::pow;
  typedef float Dtype;
  auto print = [](std::string policy, float gamma, float power, int stepsize, std::vector<int> stepvalue,
                  int max_iter, int first, int current_step) {
    const float base_lr = 0.03f;
    std::printf("%s %x %x %x %d ", policy.c_str(), bits(base_lr), bits(gamma), bits(power), stepsize);
    if (stepvalue.empty()) std::printf("-");
    for (size_t i = 0; i < stepvalue.size(); i++) std::printf("%s%d", i ? "," : "", stepvalue[i]);
    std::printf(" %d %d %d :", max_iter, first, current_step);
    for (int iter = first; iter < first + 24; iter++) {
      Dtype rate = 0;
      if (policy == "fixed") {
        rate = base_lr;
      } else if (policy == "step") {
        current_step = iter / stepsize;
        rate = base_lr * pow(gamma, current_step);
      } else if (policy == "exp") {
        rate = base_lr * pow(gamma, iter);
      } else if (policy == "inv") {
        rate = base_lr * pow(Dtype(1) + gamma * iter, -power);
      } else if (policy == "multistep") {
        if (current_step < (int)stepvalue.size() && iter >= stepvalue[current_step]) current_step++;
        rate = base_lr * pow(gamma, current_step);
      } else if (policy == "poly") {
        rate = base_lr * pow(Dtype(1.) - (Dtype(iter) / Dtype(max_iter)), power);
      } else if (policy == "sigmoid") {
        rate = base_lr * (Dtype(1.) / (Dtype(1.) + exp(-gamma * (Dtype(iter) - Dtype(stepsize)))));
      }
      std::printf(" %x", bits(rate));
    }
    std::puts("");
  };
  for (int first : {0, 7, 100000}) {
    print("fixed", 0, 0, 0, {}, 0, first, 0);
    for (float gamma : {0.f, 1e-30f, 0.1f, 0.96f, 1.f, 1.5f}) {
      for (int stepsize : {1, 2, 7, 1000}) {
        print("step", gamma, 0, stepsize, {}, 0, first, 0);
        print("sigmoid", gamma, 0, stepsize, {}, 0, first, 0);
      }
      print("exp", gamma, 0, 0, {}, 0, first, 0);
      for (float power : {-1.5f, 0.f, 0.75f, 1.f, 3.f}) print("inv", gamma, power, 0, {}, 0, first, 0);
    }
  }
  for (float power : {-2.f, 0.f, 0.5f, 0.9f, 1.f, 4.f})
    for (int max_iter : {24, 25, 450000}) print("poly", 0, power, 0, {}, max_iter, 0, 0);
  const std::vector<std::vector<int>> lists = {
      {}, {0}, {0, 0, 0}, {2, 2}, {3, 8, 9, 20}, {5, 3, 1}, {4, 4, 4, 5, 12}, {-3, 6}, {50, 60}};
  for (float gamma : {0.f, 0.5f, 2.f})
    for (const auto &list : lists) print("multistep", gamma, 0, 0, list, 0, 0, 0);
  // Resumed, with the current_step of other step values.
  for (const auto &list : lists)
    for (int current_step : {0, 1, 2, 9}) print("multistep", 0.5f, 0, 0, list, 0, 4, current_step);
}
