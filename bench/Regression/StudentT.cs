namespace FastVcpu.Bench.Regression;

/// <summary>Student's t distribution.</summary>
static class StudentT
{
    /// <summary>The value below which this part of the distribution lies.</summary>
    /// <param name="part">More than a half, less than one.</param>
    /// <param name="freedom">Degrees of freedom.</param>
    public static double Quantile(double part, int freedom)
    {
        double low = 0, high = 1;
        while (Distribution(high, freedom) < part)
        {
            high *= 2;
        }
        const int Halvings = 60;
        for (int i = 0; i < Halvings; i++)
        {
            double middle = (low + high) / 2;
            (low, high) = Distribution(middle, freedom) < part ? (middle, high) : (low, middle);
        }
        return (low + high) / 2;
    }

    /// <summary>The part of the distribution below a value that is not negative (Abramowitz and Stegun 26.7.3 and 26.7.4).</summary>
    public static double Distribution(double value, int freedom)
    {
        double angle = Math.Atan(value / Math.Sqrt(freedom)), cosine = Math.Cos(angle), square = cosine * cosine;
        double term, sum = 0;
        bool isOdd = freedom % 2 == 1;
        term = isOdd ? cosine : 1;
        for (int i = isOdd ? 3 : 2; i <= freedom; i += 2)
        {
            sum += term;
            term *= square * (i - 1) / i;
        }
        double both = isOdd ? 2 / Math.PI * (angle + Math.Sin(angle) * sum) : Math.Sin(angle) * sum;
        return (1 + both) / 2;
    }
}
