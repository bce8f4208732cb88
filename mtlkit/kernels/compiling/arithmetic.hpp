// Shared by the C++ kernels: aligned memory, and functions that compilers can vectorise.

#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <new>

using Index = std::int64_t;

// Aligned, since the last digits of products may depend on the alignment, and runs must repeat bit for bit.
template <typename Real>
class Buffer {
public:
    explicit Buffer(Index size, bool zeros = true)
        : data_(static_cast<Real*>(::operator new(size * sizeof(Real), std::align_val_t(64)))) {
        if (zeros) std::memset(static_cast<void*>(data_), 0, size * sizeof(Real));
    }
    ~Buffer() { ::operator delete(data_, std::align_val_t(64)); }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    Real* get() const { return data_; }

private:
    Real* data_;
};

inline Index smaller(Index x, Index y) { return x < y ? x : y; }

inline double exponential(double x) { return std::exp(x); }

// 2^n e^r with |r| <= log(2) / 2, where e^r is a polynomial with an error of 3e-9. Unlike std::exp it vectorises.
inline float exponential(float x) {
    // e^89 is more than the largest float, and below -87 2^n is denormal, which `bits` cannot express. A NaN stays one,
    // since p is NaN.
    x = x > 88.0f ? 88.0f : (x < -87.0f ? -87.0f : x);
    const float n = std::rint(x * 1.44269504f);
    // log(2) in two parts (Cody and Waite): n times one float of it would lose the digits that r is made of.
    const float r = (x - n * 0.693147182f) + n * 1.90465430e-9f;
    float p = 1.38145941e-3f;
    p = p * r + 8.36871751e-3f;
    p = p * r + 4.16683890e-2f;
    p = p * r + 1.66665211e-1f;
    p = p * r + 4.99999940e-1f;
    p = p * (r * r) + (r + 1.0f);
    const std::int32_t bits = (static_cast<std::int32_t>(n) + 127) << 23;
    float power;
    std::memcpy(&power, &bits, sizeof power);
    return p * power;
}

template <typename Real>
inline Real sigmoid(Real x) { return Real(1) / (Real(1) + exponential(-x)); }

template <typename Real>
inline Real hyperbolic_tangent(Real x) { return Real(2) / (Real(1) + exponential(Real(-2) * x)) - Real(1); }
