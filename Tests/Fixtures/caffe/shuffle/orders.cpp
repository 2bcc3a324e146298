// The orders in which Caffe's ImageData layer takes n lines: its shuffle of util/rng.hpp is the loop below.
#include <boost/random/mersenne_twister.hpp>
#include <boost/random/uniform_int.hpp>
#include <cstdio>
#include <numeric>
#include <vector>
#include <algorithm>
int main() {
  for (unsigned seed : {1u, 1701u, 4123456789u})
    for (int n : {1, 2, 5, 8, 23}) {
      boost::mt19937 g(seed);
      std::vector<int> v(n);
      std::iota(v.begin(), v.end(), 0);
      for (int epoch = 0; epoch < 3; epoch++) {
        for (ptrdiff_t i = n - 1; i > 0; --i) {
          boost::uniform_int<ptrdiff_t> dist(0, i);
          std::iter_swap(v.begin() + i, v.begin() + dist(g));
        }
        printf("%u %d %d:", seed, n, epoch);
        for (int x : v) printf(" %d", x);
        puts("");
      }
    }
}
