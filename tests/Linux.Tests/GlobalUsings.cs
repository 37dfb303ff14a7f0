global using FastVcpu.Linux;
global using FastVcpu.Tests.Harness;
global using Xunit;
